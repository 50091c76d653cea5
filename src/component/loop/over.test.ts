/** Attempts that timed out and whose handlers still run: their slots are taken, their works have gone on. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Attempt } from "./attempt.js";
import {
  ended,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { poolHealth } from "../observe/health.js";
import type { Item } from "../work/enqueue.js";

const retryBehavior = { maxAttempts: 3, initialBackoffMs: 0, base: 1 };
const TIMED_OUT = {
  kind: "failed" as const,
  error: "jobs:act timed out",
  retryable: true,
  timedOut: true,
};
const HELD = { ...TIMED_OUT, holds: true };
const OVER = { kind: "over" as const };

let pool: ProtocolTest;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
  pool = new ProtocolTest();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const action = (key: string, changes: Partial<Item> = {}) =>
  job("action", "act", { key }, { ...recorded(key), ...changes });

/** An executor, of which the first attempt has timed out and still runs. */
async function overrun(
  items: Item[],
  maxParallelism: number,
): Promise<{ executor: HandExecutor; first: Attempt }> {
  await pool.enqueue(items, { maxParallelism });
  const executor = await pool.startOpenByHand();
  const [first] = executor.attempts();
  await executor.report([ended(first!, HELD)], {
    holding: executor.attempts().map(({ position }) => position),
  });
  return { executor, first: first! };
}
/** It holds the first one's slot, whatever else it has. */
const holding = (executor: HandExecutor, { position }: Attempt) => ({
  holding: [position, ...executor.held.keys()],
});
const health = () => pool.run((ctx) => poolHealth(ctx, Date.now()));

describe("while the handler runs on", () => {
  test("its slot is taken: nothing else begins there, the retry neither", async () => {
    const { executor, first } = await overrun(
      [action("a", { retryBehavior })],
      1,
    );
    pool.moment();
    await pool.tick();
    const { next } = await executor.report([], holding(executor, first));
    expect(next).toEqual([]);
    expect(await pool.status(first.workId)).toMatchObject({
      state: "pending",
      previousAttempts: 1,
    });
    expect(await executor.stats()).toMatchObject({
      open: [{ left: [first.position] }],
      over: [first.position],
    });
    // One handler runs, and it is no work's any more.
    expect(await health()).toMatchObject({
      running: 1,
      claimed: 0,
      inFlight: 1,
    });
    const asleep = await executor.report([], {
      ...holding(executor, first),
      closing: true,
    });
    expect(asleep.done).toBe(false);
  });

  test("the work is retried where a slot is free, and is told from the attempt before", async () => {
    const { executor, first } = await overrun(
      [action("a", { retryBehavior })],
      2,
    );
    pool.moment();
    await pool.tick();
    const again = await executor.report([], holding(executor, first));
    expect(again.next).toMatchObject([{ workId: first.workId }]);
    expect(again.next[0]!.fence).toBe(first.fence + 1);
    expect(await pool.get(first.workId)).toMatchObject({ state: "running" });
    expect(await health()).toMatchObject({ running: 2, claimed: 0 });
    await executor.report([ended(again.next[0]!)], holding(executor, first));
    expect(await pool.outcomes()).toMatchObject({ a: [{ kind: "success" }] });
    expect(await executor.stats()).toMatchObject({ over: [first.position] });
  });

  test("the work is told from that attempt also beside others that came with it", async () => {
    const { executor, first } = await overrun(
      [action("a", { retryBehavior }), action("b")],
      3,
    );
    pool.moment();
    await pool.tick();
    await executor.report([], holding(executor, first));
    expect(await pool.get(first.workId)).toMatchObject({ state: "running" });
    expect(await health()).toMatchObject({ running: 3, claimed: 0 });
  });

  test("it is never sent again, not even to an executor that does not know of it", async () => {
    const { executor } = await overrun([action("a", { retryBehavior })], 1);
    const { next } = await executor.report([], { holding: [] });
    expect(next).toEqual([]);
  });

  test("a report that comes twice, or late, changes nothing", async () => {
    const { executor, first } = await overrun(
      [action("a", { retryBehavior })],
      1,
    );
    const [before] = await pool.rows("work");
    await executor.again({ results: [ended(first, HELD)] });
    expect(await pool.rows("work")).toEqual([before]);
    await executor.report([ended(first, OVER)]);
    await executor.again({ results: [ended(first, HELD)] });
    expect((await executor.stats())?.over).toBeUndefined();
    expect(await pool.rows("work")).toMatchObject([{ attempts: 1 }]);
  });
});

test("when the handler ends, its slot is free and its work untouched", async () => {
  const { executor, first } = await overrun(
    [action("a", { retryBehavior })],
    1,
  );
  const [before] = await pool.rows("work");
  pool.moment();
  await executor.report([ended(first, OVER)]);
  expect(await executor.stats()).toMatchObject({ open: [] });
  expect((await executor.stats())?.over).toBeUndefined();
  expect(await pool.rows("work")).toMatchObject([
    { fence: before!.fence, attempts: 1, history: [{ reason: "timedOut" }] },
  ]);
  await pool.tick();
  const { next } = await executor.report();
  expect(next).toMatchObject([{ workId: first.workId }]);
});

test("a failure and the end of its handler may come in one report", async () => {
  await pool.enqueue([action("a")], { maxParallelism: 1 });
  const executor = await pool.startOpenByHand();
  const [first] = executor.attempts();
  await executor.report([ended(first!, HELD), ended(first!, OVER)]);
  expect(await pool.outcomes()).toMatchObject({
    a: [{ kind: "failed", error: "jobs:act timed out" }],
  });
  expect(await executor.stats()).toMatchObject({ open: [] });
  expect(await pool.rows("complete")).toMatchObject([{ reason: "timedOut" }]);
});

test("an attempt that released its slot makes room at once", async () => {
  await pool.enqueue([action("a"), action("b")], { maxParallelism: 1 });
  const executor = await pool.startOpenByHand();
  const [first] = executor.attempts();
  expect(executor.held.size).toBe(1);
  pool.moment();
  await executor.report([ended(first!, TIMED_OUT)]);
  expect(await executor.stats()).toMatchObject({ open: [] });
  await pool.tick();
  await executor.report();
  expect(executor.attempts()).toMatchObject([{ fnArgs: { key: "b" } }]);
});

describe("when the executor is lost meanwhile,", () => {
  test("the work that has gone on without it is left alone", async () => {
    const later = { maxAttempts: 3, intervalsMs: [3_600_000] };
    const { executor, first } = await overrun(
      [
        action("a", { retryBehavior: later }),
        action("b", { retryBehavior: later }),
      ],
      2,
    );
    const before = await pool.work(first.workId);
    await executor.becomes({ kind: "failed", error: "Boom" });
    await pool.guard();
    expect(await pool.work(first.workId)).toEqual(before);
    // The other had not timed out: its attempt has failed with its worker.
    const works = await pool.rows("work");
    expect(works.map(({ history }) => history?.at(-1)?.reason)).toEqual([
      "timedOut",
      "workerLost",
    ]);
    expect(await pool.rows("executorStats")).toEqual([]);
    expect(await pool.rows("executor")).toMatchObject([
      { state: { kind: "done" } },
    ]);
  });

  test("the slot is free", async () => {
    const { executor, first } = await overrun(
      [action("a", { retryBehavior })],
      1,
    );
    await executor.becomes({ kind: "failed", error: "Boom" });
    await pool.pass(20_000);
    expect(await pool.outcomes()).toMatchObject({ a: [{ kind: "success" }] });
    expect(await pool.status(first.workId)).toEqual({ state: "finished" });
  });
});
