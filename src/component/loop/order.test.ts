/** What starts first. One slot: then the order of the attempts is the order of the starts. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { job, ProtocolTest } from "../../testing/protocol.js";
import type { Item } from "../work/enqueue.js";
import { MINUTE, SECOND } from "../shared.js";

const ONE_SLOT = { maxParallelism: 1 };

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

const action = (key: string, changes: Partial<Item> = {}, ms = 0) =>
  job("action", "act", { key, ms }, changes);
const keys = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const started = async () => (await pool.effects("attempt")).map((e) => e.key);

test("works start in the order in which they were enqueued, in batches or alone", async () => {
  const batch = keys("batch", 70);
  await pool.enqueueOne(action("first"), ONE_SLOT);
  await pool.enqueue(batch.map((key) => action(key)));
  await pool.enqueueOne(action("last"));
  await pool.drain();
  expect(await started()).toEqual(["first", ...batch, "last"]);
});

test("a work that became due takes its place among those that wait", async () => {
  const runAt = Date.now() + SECOND;
  await pool.enqueueOne(action("busy", {}, 3 * SECOND), ONE_SLOT);
  await pool.enqueueOne(action("due", { runAt }));
  await pool.enqueueOne(action("before"));
  await pool.pass(2 * SECOND);
  await pool.enqueueOne(action("after"));
  await pool.drain();
  expect(await started()).toEqual(["busy", "before", "due", "after"]);
});

test("works due at different times start in that order, whenever they were enqueued", async () => {
  const start = Date.now();
  for (const minute of [3, 1, 4, 2]) {
    const runAt = start + minute * MINUTE;
    await pool.enqueueOne(action(`minute ${minute}`, { runAt }), ONE_SLOT);
    await pool.pass(SECOND);
  }
  await pool.drain();
  expect(await started()).toEqual(keys("minute ", 5).slice(1));
});

test("a work whose enqueue committed late, with a due time already passed, is found", async () => {
  const runAt = Date.now() + 2 * SECOND;
  await pool.enqueueOne(action("on time", { runAt }));
  await pool.pass(3 * SECOND);
  expect(await started()).toEqual(["on time"]);

  // Its transaction began before that, and commits now.
  await pool.enqueueOne(action("late", { runAt: Date.now() + MINUTE }));
  await pool.run(async (ctx) => {
    const [entry] = await ctx.db.query("pendingStart").collect();
    await ctx.db.patch("pendingStart", entry!._id, { dueAt: runAt - SECOND });
  });
  await pool.pass(SECOND);
  expect(await started()).toEqual(["on time", "late"]);
  await pool.drain();
});

test("such a work is not forgotten while there is no room", async () => {
  const runAt = Date.now() + 2 * SECOND;
  await pool.enqueueOne(action("on time", { runAt }), ONE_SLOT);
  await pool.pass(3 * SECOND);
  await pool.enqueueOne(action("busy", {}, 5 * SECOND));
  await pool.pass(SECOND);

  await pool.enqueueOne(action("late", { runAt: Date.now() + MINUTE }));
  await pool.run(async (ctx) => {
    const [entry] = await ctx.db.query("pendingStart").collect();
    await ctx.db.patch("pendingStart", entry!._id, { dueAt: runAt - SECOND });
  });
  await pool.pass(6 * SECOND);
  expect(await started()).toEqual(["on time", "busy", "late"]);
  await pool.drain();
});

test("works canceled out of the middle of the queue leave the others in order", async () => {
  const batch = keys("k", 40);
  const ids = await pool.enqueue(
    batch.map((key) => action(key)),
    ONE_SLOT,
  );
  const canceled = [0, 1, 5, 31, 32, 39];
  for (const index of canceled) await pool.cancel(ids[index]!);
  await pool.drain();
  expect(await started()).toEqual(
    batch.filter((_, index) => !canceled.includes(index)),
  );
});

test("works with large arguments run too, a few at a time", async () => {
  const padding = "x".repeat(900_000);
  const large = keys("large", 14);
  await pool.enqueue(
    large.map((key) => job("action", "act", { key, padding })),
    { maxParallelism: 14 },
  );
  const executors = await pool.tick().then(() => pool.takeExecutors());
  for (const executor of executors) {
    executor.beginsBefore = 0;
    const { next } = await executor.report();
    expect(next.length).toBeGreaterThan(0);
    expect(executor.held.size).toBeLessThan(8);
    // It has begun nothing: all of it goes on.
    await executor.becomes({ kind: "success" });
  }
  await pool.drain();
  expect((await started()).sort()).toEqual([...large].sort());
});

test("a trickle costs one tick and one executor per work, and nothing between", async () => {
  const count = 20;
  for (let n = 0; n < count; n++) {
    await pool.enqueueOne(action(`k${n}`));
    await pool.pass(SECOND);
  }
  await pool.drain();
  const jobs = await pool.run((ctx) =>
    ctx.db.system.query("_scheduled_functions").collect(),
  );
  const executors = jobs.filter(({ name }) => name === "executor/run:run");
  const guards = jobs.filter(({ name }) => name === "loop/watch:watch");
  expect(executors).toHaveLength(count);
  expect(jobs.length - executors.length - guards.length).toBe(count);
  expect(guards.length).toBeLessThanOrEqual(3);
});
