/** What a lost executor had goes on piece by piece. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { job, ProtocolTest, recorded } from "../../testing/protocol.js";
import type { Item } from "../work/enqueue.js";
import { SECOND } from "../shared.js";

const died = { kind: "failed" as const, error: "Boom" };

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

test("what an executor said it would not begin goes back free of charge, in its old place", async () => {
  await pool.enqueue(keys(6).map((key) => action(key)));
  const executor = await pool.startByHand();
  executor.beginsBefore = 2;
  await executor.report();
  const before = await pool.liveWorks();
  await executor.becomes(died);
  await pool.guard();
  const works = await pool.liveWorks();
  expect(works).toHaveLength(4);
  for (const [index, work] of works.entries()) {
    expect(work).toMatchObject({ fence: 1, fnArgs: { key: `k${index + 2}` } });
    expect(work).not.toHaveProperty("attempts");
    expect(work).not.toHaveProperty("lastError");
  }
  const dueTimes = (await pool.rows("pendingStart")).map(({ dueAt }) => dueAt);
  expect(Math.max(...dueTimes)).toBeLessThanOrEqual(
    Math.max(...before.map(({ _creationTime }) => _creationTime)),
  );
  await pool.drain();
  expect(await pool.effects("attempt")).toHaveLength(4);
  expect(await pool.outcomes()).toMatchObject({
    k0: [{ kind: "failed" }],
    k1: [{ kind: "failed" }],
    k2: [{ kind: "success" }],
    k5: [{ kind: "success" }],
  });
});

test("of an executor that did not say, everything that was delivered may have begun", async () => {
  await pool.enqueue(keys(3).map((key) => action(key)));
  const executor = await pool.startByHand();
  await executor.report();
  await executor.becomes(died);
  await pool.guard();
  await pool.drain();
  const outcomes = await pool.outcomes();
  for (const key of keys(3)) {
    expect(outcomes[key]).toMatchObject([{ kind: "failed" }]);
  }
});

test("a position that it said before, and was not given since, counts as not begun", async () => {
  await pool.enqueue([action("first")], { maxParallelism: 8 });
  const executor = await pool.startOpenByHand();
  executor.beginsBefore = 50;
  await executor.report();
  await pool.enqueue([action("handed over")]);
  await pool.tick();
  expect(await pool.rows("running")).toHaveLength(1);
  await executor.becomes(died);
  await pool.guard();
  expect(await pool.liveWorks()).toMatchObject([
    { fence: 1, fnArgs: { key: "handed over" } },
  ]);
  await pool.drain();
});

test("each piece settles a hundred works at most, and the executor is fenced from the first on", async () => {
  pool.deploymentClass = "d1024";
  await pool.enqueue(
    keys(220).map((key) => job("mutation", "mutate", { key }, recorded(key))),
    { maxParallelism: 1000 },
  );
  const executor = await pool.startByHand();
  await executor.report([], { want: 1000 });
  expect(executor.held.size).toBe(220);
  await executor.becomes(died);
  await pool.watch();
  const settled: number[] = [];
  for (let before = 0; await pool.recoverPiece();) {
    const entries = await pool.rows("pendingStart");
    const now = entries.reduce((sum, { works }) => sum + works.length, 0);
    settled.push(now - before);
    before = now;
    expect(await executor.send({})).toMatchObject({ done: true, next: [] });
  }
  expect(settled).toEqual([100, 100, 20]);
  await pool.drain();
  expect(await pool.effects("mutation")).toHaveLength(220);
});

test("works whose arguments are large are settled a few at a time", async () => {
  const padding = "x".repeat(900_000);
  await pool.enqueue(
    keys(24).map((key) =>
      job(
        "action",
        "act",
        { key, padding },
        { ...recorded(key), statusTtl: 0 },
      ),
    ),
    { maxParallelism: 24 },
  );
  await pool.tick();
  const executors = await pool.takeExecutors();
  for (const each of executors) {
    await each.report();
    await each.becomes(died);
  }
  const had = executors.reduce((sum, { held }) => sum + held.size, 0);
  await pool.watch();
  let pieces = 0;
  while (await pool.recoverPiece()) pieces += 1;
  // They are not kept, and each deletion reads what it deletes: 900 kB a work, read once and deleted.
  expect(had / pieces).toBeLessThan(6);
  await pool.pass(20 * SECOND);
  expect(Object.keys(await pool.outcomes())).toHaveLength(24);
});
