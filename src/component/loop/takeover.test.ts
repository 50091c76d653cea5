/** Who takes over a loop that died, and how often. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ended, job, ProtocolTest, recorded } from "../../testing/protocol.js";
import type { Item } from "../work/enqueue.js";
import { SECOND } from "../shared.js";

const TICK = "loop/tick:tick";

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

/** All slots are taken, and neither the loop nor its watchdog has come for a minute. */
async function dead() {
  await pool.enqueue(actions(2), { maxParallelism: 1 });
  const executor = await pool.startByHand();
  await executor.report();
  await pool.pass(2 * SECOND);
  await pool.cancelScheduled(TICK);
  expect(await pool.cancelScheduled("loop/watch:watch")).toBe(1);
  await pool.pass(61 * SECOND);
  expect((await pool.runStatus()).validUntil).toBeLessThan(Date.now());
  return executor;
}

test("one tick takes a dead loop over, however many notice", async () => {
  const executor = await dead();
  const { generation } = await pool.runStatus();
  for (let n = 0; n < 5; n++) await pool.enqueueOne(action(`late ${n}`));
  // A report that is tried again leaves the turn to a tick, too.
  const results = executor.attempts().map((each) => ended(each));
  await executor.report(results, { inlineCallbacks: false });
  expect(await pool.scheduled(TICK)).toMatchObject([
    { args: [{ takeover: true, generation }] },
  ]);
  await pool.pass(1);
  const after = await pool.runStatus();
  expect(after.generation).toBe(generation + 1n);
  expect(after).not.toHaveProperty("takeoverId");
  expect(after.validUntil).toBeGreaterThan(Date.now());
  expect((await pool.loopState()).watch!.at).toBeGreaterThan(Date.now());
});

test("should that tick be lost, the next who notices schedules another", async () => {
  await dead();
  await pool.enqueueOne(action("first"));
  expect(await pool.cancelScheduled(TICK)).toBe(1);
  const { generation } = await pool.runStatus();
  await pool.enqueueOne(action("second"));
  await pool.pass(1);
  expect((await pool.runStatus()).generation).toBeGreaterThan(generation);
});
