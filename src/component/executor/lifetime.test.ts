/** Executors come and go; works do not notice. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { inFlight } from "../../testing/app/jobs.js";
import { job, ProtocolTest, recorded } from "../../testing/protocol.js";
import { MINUTE, SECOND } from "../shared.js";

/** On the smallest deployment class, which convex-test is. */
const MOST_EXECUTORS = 5;

let pool: ProtocolTest;
beforeEach(() => {
  vi.useFakeTimers();
  pool = new ProtocolTest();
});
afterEach(() => {
  vi.useRealTimers();
});

const actions = (count: number, ms: number) =>
  Array.from({ length: count }, (_, index) =>
    job("action", "act", { key: `k${index}`, ms }, recorded(`k${index}`)),
  );
const executorsStarted = async () =>
  (
    await pool.run((ctx) =>
      ctx.db.system.query("_scheduled_functions").collect(),
    )
  ).filter(({ name }) => name === "executor/run:run").length;

test("a queue outlives its executors: old ones leave, new ones take over, nothing is lost", async () => {
  const count = 160;
  const limit = 4;
  await pool.enqueue(actions(count, 90 * SECOND), { maxParallelism: limit });
  for (let minute = 0; minute < 50; minute++) {
    await pool.pass(MINUTE);
    const alive = await pool.rows("executor");
    expect(alive.length).toBeLessThanOrEqual(MOST_EXECUTORS);
    const widths = alive.filter(({ state }) => state.kind === "open");
    expect(
      widths.reduce((sum, { width }) => sum + width, 0),
    ).toBeLessThanOrEqual(limit);
  }
  await pool.drain();
  // It takes an hour, and none accepts works for longer than nineteen minutes.
  expect(await executorsStarted()).toBeGreaterThanOrEqual(4);
  expect(inFlight.most).toBe(limit);
  expect(await pool.effects("attempt")).toHaveLength(count);
  expect(await pool.effects("completed")).toHaveLength(count);
});

test("an executor that is closing lets finish what it has, however long that takes", async () => {
  await pool.enqueue(actions(1, 8 * MINUTE));
  await pool.pass(6 * MINUTE);
  expect(await pool.rows("executor")).toHaveLength(1);
  await pool.drain();
  expect(await pool.effects("completed")).toHaveLength(1);
  expect(await pool.effects("attempt")).toHaveLength(1);
});

test("an executor leaves as soon as there is nothing more to expect", async () => {
  await pool.enqueue(actions(3, 10));
  await pool.pass(SECOND);
  expect(await pool.effects("completed")).toHaveLength(3);
  const running = (await pool.unfinished()).filter(
    ({ name }) => name === "executor/run:run",
  );
  expect(running).toEqual([]);
});
