/** Actions that may have exhausted the memory of their executor run apart from others. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  ended,
  failure,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import type { Doc } from "../_generated/dataModel.js";
import type { Item } from "../work/enqueue.js";
import { SECOND } from "../shared.js";

const retryBehavior = { maxAttempts: 9, initialBackoffMs: 50, base: 1 };
const outOfMemory = {
  kind: "failed" as const,
  error: "JavaScript execution ran out of memory (maximum memory usage: 64 MB)",
};

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
const keys = (count: number) =>
  Array.from({ length: count }, (_, index) => `k${index}`);

const suspect = (key: string) => action(key, { retryBehavior });

/** An executor that has begun these works. */
async function begin(items: Item[]): Promise<HandExecutor> {
  await pool.enqueue(items);
  return await pool.startByHand();
}
/** The groups that wait, as sets of works. */
const groups = async () =>
  (await pool.rows("pendingStart"))
    .filter(({ kind }) => kind === "isolated")
    .map(({ works }) => works);
/** Executors that were started for a group. */
const alone = async (): Promise<Doc<"executor">[]> =>
  (await pool.rows("executor")).filter(
    ({ state, first, width }) =>
      state.kind !== "done" && first.length === width,
  );
/** Dies of exhausted memory, and what it had is due again. */
async function exhaust(executor: HandExecutor): Promise<void> {
  await executor.becomes(outOfMemory);
  await pool.guard();
  vi.setSystemTime(Date.now() + SECOND);
}

describe("actions that were begun in an executor that ran out of memory", () => {
  test("run apart in two halves, each in an executor of its own that takes nothing else", async () => {
    const executor = await begin(keys(6).map(suspect));
    await exhaust(executor);
    expect((await groups()).map(({ length }) => length)).toEqual([3, 3]);
    await pool.enqueue([action("neighbour")]);
    await pool.tick();
    const executors = await alone();
    expect(executors.map(({ width }) => width)).toEqual([3, 3]);
    for (const { state } of executors) expect(state.kind).toBe("closing");
    expect(await pool.rows("running")).toEqual([]);
    await pool.drain();
    const outcomes = await pool.outcomes();
    for (const key of [...keys(6), "neighbour"]) {
      expect(outcomes[key]).toMatchObject([{ kind: "success" }]);
    }
  });

  test("are halved again when they die again, down to the one that does it", async () => {
    let executor = await begin(keys(8).map(suspect));
    const culprit = executor.attempts()[5]!.workId;
    const sizes: number[] = [];
    for (;;) {
      const size = executor.held.size;
      sizes.push(size);
      await exhaust(executor);
      if (size === 1) break;
      await pool.tick();
      let next: HandExecutor | undefined;
      for (const { _id } of await alone()) {
        const hand = await pool.takeExecutor(_id);
        const has = hand.attempts().some(({ workId }) => workId === culprit);
        if (has) next = hand;
        else await hand.report(hand.attempts().map((each) => ended(each)));
      }
      executor = next!;
    }
    expect(sizes).toEqual([8, 4, 2, 1]);
    // Its neighbours have all ended by now, and it waits alone.
    expect(await pool.liveWorks()).toMatchObject([
      { _id: culprit, isolate: true, attempts: 4 },
    ]);
    expect(await groups()).toEqual([[culprit]]);
  });

  test("end when their attempts are used up, with the reason", async () => {
    const executor = await begin([action("a")]);
    await exhaust(executor);
    await pool.drain();
    expect(await pool.outcomes()).toEqual({
      a: [{ kind: "failed", error: expect.stringContaining("memory") }],
    });
  });

  test("leave quarantine when an attempt ends by itself", async () => {
    const executor = await begin([suspect("x")]);
    await exhaust(executor);
    const again = await pool.startByHand();
    expect(again.start).toMatchObject({ width: 1, closed: true });
    await again.report([ended(again.attempts()[0]!, failure())]);
    expect(await pool.rows("pendingStart")).toMatchObject([{ kind: "later" }]);
    expect((await pool.liveWorks())[0]).toMatchObject({ isolate: false });
    await pool.drain();
    expect(await pool.outcomes()).toMatchObject({ x: [{ kind: "success" }] });
  });

  test("stay with their executor, when a changed limit comes between", async () => {
    const executor = await begin([suspect("x")]);
    await exhaust(executor);
    const again = await pool.startByHand();
    await pool.setLimit(3);
    await pool.tick();
    expect(await again.report()).toMatchObject({ next: [], done: false });
    expect(await pool.rows("pendingStart")).toEqual([]);
    await pool.setLimit(0);
    await pool.tick();
    const [attempt] = again.attempts();
    expect((await again.report([ended(attempt!)])).done).toBe(true);
  });

  test("leave an executor slot to the others, however many groups there are", async () => {
    // The smallest deployment class has five executors.
    const executors = [await begin(keys(8).map(suspect))];
    for (let n = 0; n < 2; n++) {
      for (const each of executors.splice(0)) await each.becomes(outOfMemory);
      await pool.guard();
      vi.setSystemTime(Date.now() + SECOND);
      await pool.tick();
      executors.push(...(await pool.takeExecutors()));
    }
    expect(executors).toHaveLength(4);
    await pool.enqueue([action("neighbour")]);
    await pool.tick();
    const last = (await pool.rows("executor")).at(-1)!;
    expect(last.first).toHaveLength(1);
    await pool.pass(SECOND);
    expect(await pool.outcomes()).toHaveProperty("neighbour");
  });
});

describe("works are not in quarantine", () => {
  const isolated = async () =>
    (await pool.liveWorks()).filter(({ isolate }) => isolate);

  test("after a restart of the deployment, which proves nothing against them", async () => {
    const executor = await begin([suspect("x"), suspect("y")]);
    const error = "Transient error while executing action";
    await executor.becomes({ kind: "failed", error });
    await pool.guard();
    expect(await isolated()).toEqual([]);
    await pool.drain();
    expect(await pool.effects("attempt")).toHaveLength(2);
  });

  test("that have not begun, or run in transactions of their own", async () => {
    const executor = await begin([
      suspect("begun"),
      job("mutation", "mutate", { key: "m" }, recorded("m")),
      suspect("not begun"),
    ]);
    executor.beginsBefore = 2;
    await executor.report();
    await exhaust(executor);
    expect(await isolated()).toMatchObject([{ fnArgs: { key: "begun" } }]);
    await pool.drain();
    expect(await pool.effects("mutation")).toHaveLength(1);
  });
});
