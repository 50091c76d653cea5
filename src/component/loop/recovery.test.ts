import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Attempt } from "./attempt.js";
import {
  ended,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { internal } from "../_generated/api.js";
import type { Item } from "../work/enqueue.js";
import { SECOND } from "../shared.js";

/** What the pool promises. */
const NOTICED_WITHIN_MS = 15 * SECOND;
const retryBehavior = { maxAttempts: 3, initialBackoffMs: 50, base: 2 };

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
const mutation = (key: string) =>
  job("mutation", "mutate", { key }, recorded(key));
const query = (key: string) => job("query", "read", { key }, recorded(key));

const deaths = [
  { death: "failed", state: { kind: "failed" as const, error: "Boom" } },
  { death: "ended without a last report", state: { kind: "success" as const } },
  { death: "is gone", state: null },
];
const moments = [
  { when: "before its first report", reports: 0 },
  { when: "after a report", reports: 1 },
];
const cases = deaths.flatMap((each) =>
  moments.map((moment) => ({ ...each, ...moment })),
);

/** An executor that was given these works, and has begun them, or may have. */
async function deliver(items: Item[], reports = 0): Promise<HandExecutor> {
  await pool.enqueue(items);
  const executor = await pool.startByHand();
  for (let n = 0; n < reports; n++) await executor.report();
  expect(executor.held.size).toBe(items.length);
  return executor;
}

describe.each(cases)("when an executor $death $when,", ({ state, reports }) => {
  test("what it was never given goes on, free of charge, within 15 seconds", async () => {
    await pool.enqueue([mutation("first")], { maxParallelism: 4 });
    const executor = await pool.startOpenByHand();
    for (let n = 0; n < reports; n++) await executor.report();
    const [id] = await pool.enqueue([action("a"), mutation("m")]);
    await pool.tick();
    expect((await pool.rows("running")).flatMap((row) => row.works)).toContain(
      id,
    );
    await executor.becomes(state);
    await pool.pass(NOTICED_WITHIN_MS);
    expect(await pool.outcomes()).toMatchObject({
      a: [{ kind: "success" }],
      m: [{ kind: "success" }],
    });
    expect(await pool.effects("attempt")).toHaveLength(1);
    await pool.drain();
  });

  test("an action that may have begun has failed an attempt: retried by its behaviour", async () => {
    const executor = await deliver([action("a", { retryBehavior })], reports);
    const [work] = await pool.liveWorks();
    await executor.becomes(state);
    await pool.guard();
    expect(await pool.work(work!._id)).toMatchObject({
      attempts: 1,
      fence: 1,
      lastError: expect.stringContaining("was lost"),
    });
    await pool.drain();
    expect(await pool.outcomes()).toMatchObject({ a: [{ kind: "success" }] });
  });

  test("an action without retries has failed, with the reason", async () => {
    const executor = await deliver([action("a")], reports);
    await executor.becomes(state);
    await pool.pass(NOTICED_WITHIN_MS);
    expect(await pool.outcomes()).toEqual({
      a: [
        {
          kind: "failed",
          error: expect.stringContaining(
            "The worker that ran this attempt was lost",
          ),
        },
      ],
    });
    expect(await pool.effects("attempt")).toEqual([]);
    await pool.drain();
  });

  test("mutations and queries run again, within 15 seconds, and take effect once", async () => {
    const executor = await deliver([mutation("m"), query("q")], reports);
    await executor.becomes(state);
    await pool.pass(NOTICED_WITHIN_MS);
    expect(await pool.outcomes()).toMatchObject({
      m: [{ kind: "success" }],
      q: [{ kind: "success" }],
    });
    expect(await pool.effects("mutation")).toHaveLength(1);
    await pool.drain();
  });

  test("a mutation that has recorded its outcome does not run again", async () => {
    const executor = await deliver([mutation("m")], reports);
    const [{ workId, fence }] = executor.attempts() as [Attempt];
    await pool.t.mutation(internal.executor.transaction.run, {
      workId,
      fence,
      inlineCallback: true,
    });
    await executor.becomes(state);
    await pool.drain();
    expect(await pool.effects("mutation")).toHaveLength(1);
    expect(await pool.effects("completed")).toHaveLength(1);
  });

  test("what it had reported stays as it was reported", async () => {
    const executor = await deliver([action("a"), action("b")], reports);
    const [first] = executor.attempts();
    await executor.report([ended(first!)]);
    await executor.becomes(state);
    await pool.drain();
    expect(await pool.outcomes()).toMatchObject({
      a: [{ kind: "success", returnValue: "done" }],
      b: [{ kind: "failed" }],
    });
  });

  test("what was canceled meanwhile ends as canceled", async () => {
    const executor = await deliver(
      [action("a", { retryBehavior }), mutation("m")],
      reports,
    );
    for (const { _id } of await pool.liveWorks()) await pool.cancel(_id);
    await executor.becomes(state);
    await pool.guard();
    expect(await pool.liveWorks()).toEqual([]);
    await pool.drain();
    expect(await pool.outcomes()).toEqual({
      a: [{ kind: "canceled" }],
      m: [{ kind: "canceled" }],
    });
    expect(await pool.effects("mutation")).toEqual([]);
  });

  test("nothing of it remains", async () => {
    const executor = await deliver([action("a"), mutation("m")], reports);
    await executor.becomes(state);
    await pool.drain();
    for (const table of ["executor", "executorStats", "running"] as const) {
      expect(await pool.rows(table)).toEqual([]);
    }
    expect(await pool.loopState()).toMatchObject({ assigned: [] });
  });
});

test("an executor that died after its work was done is only cleared away", async () => {
  const executor = await deliver([action("a")]);
  const [attempt] = executor.attempts();
  await executor.report([ended(attempt!)]);
  await executor.becomes({ kind: "failed", error: "Boom" });
  await pool.drain();
  expect(await pool.outcomes()).toMatchObject({ a: [{ kind: "success" }] });
  expect(await pool.rows("executor")).toEqual([]);
  expect(console.error).not.toHaveBeenCalledWith(
    expect.stringContaining("is lost"),
  );
});

test("what a lost executor had done is counted", async () => {
  const executor = await deliver([action("a"), action("b")]);
  await executor.report([ended(executor.attempts()[0]!)]);
  await executor.becomes(null);
  await pool.guard();
  // What is settled is folded by the watchdog's next visit.
  await pool.guard();
  expect(await pool.loopState()).toMatchObject({
    assigned: [],
    totals: { tally: { succeeded: 1, failed: 1 } },
  });
});

describe("the row of an executor that has left", () => {
  const leave = async () => {
    const executor = await deliver([action("a")]);
    await executor.report(executor.attempts().map((each) => ended(each)));
    return executor;
  };

  test("is deleted by the guard, its counts kept", async () => {
    await leave();
    expect(await pool.rows("executor")).toHaveLength(1);
    await pool.guard();
    expect(await pool.rows("executor")).toEqual([]);
    expect(await pool.loopState()).toMatchObject({
      assigned: [],
      totals: { tally: { succeeded: 1 } },
      watch: null,
    });
  });

  test("serves the next executor, its counts kept", async () => {
    const before = await leave();
    await pool.enqueue([action("b")]);
    const next = await pool.startByHand();
    expect(next.id).toBe(before.id);
    expect(await next.row()).toMatchObject({
      incarnation: 1,
      state: { kind: "closing" },
    });
    expect(await pool.loopState()).toMatchObject({
      assigned: [{ executorId: next.id, next: 1 }],
      totals: { tally: { succeeded: 1 } },
    });
  });

  test("is as good as new: what its next executor leaves behind is recovered, and no more", async () => {
    await leave();
    const next = await deliver([mutation("b")]);
    await next.becomes(null);
    await pool.drain();
    expect(await pool.outcomes()).toMatchObject({
      a: [{ kind: "success" }],
      b: [{ kind: "success" }],
    });
    expect(await pool.effects("attempt")).toEqual([]);
    expect(await pool.effects("mutation")).toHaveLength(1);
  });
});

test("more works than one tick recovers are all recovered, within 15 seconds", async () => {
  const keys = Array.from({ length: 450 }, (_, index) => `m${index}`);
  await pool.enqueue(keys.map(mutation), { maxParallelism: 1000 });
  await pool.tick();
  const executors = await pool.takeExecutors();
  for (const executor of executors) {
    await executor.report();
    await executor.becomes({ kind: "success" });
  }
  await pool.pass(NOTICED_WITHIN_MS);
  const outcomes = await pool.outcomes();
  expect(Object.keys(outcomes)).toHaveLength(450);
  expect(Object.values(outcomes).every(({ length }) => length === 1)).toBe(
    true,
  );
});
