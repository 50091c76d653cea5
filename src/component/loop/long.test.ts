/** Works that need an executor opened for them. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ended, job, ProtocolTest, recorded } from "../../testing/protocol.js";
import type { Item } from "../work/enqueue.js";
import { MINUTE, SECOND } from "../shared.js";

const timeoutMs = 25 * MINUTE;

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
const actions = (count: number, prefix = "k") =>
  Array.from({ length: count }, (_, index) => action(`${prefix}${index}`));
const executors = async () =>
  (await pool.rows("executor")).filter(({ state }) => state.kind !== "done");

test("a long work gets an executor of its own kind, and ordinary ones do not go there", async () => {
  await pool.enqueue([action("long", { timeoutMs })], { maxParallelism: 20 });
  const long = await pool.startByHand();
  expect(long.start).toMatchObject({ long: true, closed: false });
  expect(long.width).toBeGreaterThan(1);
  await pool.enqueue([action("ordinary")]);
  await pool.tick();
  const [, ordinary] = await executors();
  expect(ordinary).not.toHaveProperty("long");
  expect(ordinary!.first).toHaveLength(1);
  expect((await long.report()).next).toEqual([]);
});

test("a long work does not go to an ordinary executor, however much room it has", async () => {
  await pool.enqueue([action("ordinary")], { maxParallelism: 20 });
  const ordinary = await pool.startOpenByHand();
  await pool.enqueue([action("long", { timeoutMs })]);
  await pool.tick();
  expect((await ordinary.report()).next).toEqual([]);
  expect((await executors()).map(({ role }) => role === "long")).toEqual([
    false,
    true,
  ]);
});

test("a further long work joins the executor that accepts such works", async () => {
  await pool.enqueue([action("one", { timeoutMs })], { maxParallelism: 20 });
  const executor = await pool.startOpenByHand();
  await pool.enqueue([action("two", { timeoutMs })]);
  await pool.tick();
  expect((await executor.report()).next).toHaveLength(1);
});

test("where ordinary executors have the whole limit, a long work takes a slot that they do not use", async () => {
  await pool.enqueue(actions(5), { maxParallelism: 8 });
  const ordinary = await pool.startOpenByHand();
  expect(ordinary.width).toBe(8);
  await pool.enqueue([action("long", { timeoutMs })]);
  await pool.tick();
  expect((await executors()).map(({ width }) => width)).toEqual([7, 1]);
});

test("what an executor is too old for waits as a long work, free of charge, and begins in a young one", async () => {
  await pool.enqueue([action("a", { timeoutMs: 15 * MINUTE }), action("b")]);
  const old = await pool.startByHand();
  const [a, b] = old.attempts();
  pool.moment();
  await old.report([ended(a!, { kind: "returned", tooOld: true }), ended(b!)]);
  expect(await pool.rows("pendingStart")).toMatchObject([{ kind: "long" }]);
  expect((await pool.liveWorks())[0]).not.toHaveProperty("attempts");
  const young = await pool.startByHand();
  expect(young.start).toMatchObject({ long: true });
  expect(young.attempts()).toMatchObject([
    { workId: a!.workId, fence: a!.fence + 1 },
  ]);
  await young.report(young.attempts().map((each) => ended(each)));
  await pool.pass(SECOND);
  expect(await pool.outcomes()).toMatchObject({
    a: [{ kind: "success" }],
    b: [{ kind: "success" }],
  });
});

test("more of them than one turn reads start one turn after the other, and not with the watchdog's visits", async () => {
  await pool.setLimit(0);
  for (let n = 0; n < 100; n++) {
    await pool.enqueue([action(`long ${n}`, { timeoutMs })]);
  }
  await pool.pass(SECOND);
  expect(await pool.rows("pendingStart")).toHaveLength(100);
  await pool.setLimit(200);
  await pool.tick();
  // None of them ends, so that no report calls for another turn.
  await pool.takeExecutors();
  await pool.pass(SECOND);
  expect(await pool.rows("pendingStart")).toEqual([]);
});
