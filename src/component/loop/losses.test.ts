/** Which executors need recovery. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  ended,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import type { Item } from "../work/enqueue.js";
import { MINUTE } from "../shared.js";
import { look } from "./look.js";
import { needingRecovery } from "./losses.js";

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

const needing = () =>
  pool.run(async (ctx) => {
    const limits = { entries: 1, arrivals: 1 };
    const view = await look(ctx, Date.now(), limits);
    return await needingRecovery(ctx, view, Date.now());
  });
async function begin(): Promise<HandExecutor> {
  await pool.enqueue(actions(2), { maxParallelism: 8 });
  return await pool.startOpenByHand();
}

test("not one that is alive, or has left", async () => {
  const executor = await begin();
  expect(await needing()).toEqual([]);
  const results = executor.attempts().map((each) => ended(each));
  await executor.report(results, { closing: true });
  await executor.becomes({ kind: "failed", error: "Boom" });
  expect(await needing()).toEqual([]);
});

test("one that failed, ended without a word, or is gone", async () => {
  const executor = await begin();
  for (const state of [
    { kind: "failed" as const, error: "Boom" },
    { kind: "success" as const },
    null,
  ]) {
    await executor.becomes(state);
    expect(await needing()).toEqual([executor.id]);
  }
});

test("not one that was handed something, and taken from, before its first report", async () => {
  await pool.enqueue(actions(1), { maxParallelism: 8 });
  const executor = await pool.startOpenByHand();
  await pool.enqueue(actions(7, "ahead"));
  await pool.tick();
  await pool.setLimit(1);
  await pool.tick();
  // Somebody else made its statistics: it has not reported yet.
  expect(await executor.stats()).toMatchObject({ lastReportAt: 0 });
  expect(await needing()).toEqual([]);
  await pool.guard();
  expect(await executor.row()).not.toMatchObject({
    state: { kind: "done" },
  });
});

test("a canceled one as long as it may be handed something, or was and did not get it", async () => {
  const executor = await begin();
  await executor.report();
  await pool.enqueue(actions(2, "ahead"));
  await pool.tick();
  await executor.becomes({ kind: "canceled" });
  expect(await needing()).toEqual([executor.id]);
  await pool.guard();
  expect(await pool.rows("running")).toEqual([]);
  expect(await executor.row()).toMatchObject({ state: { kind: "closing" } });
  expect(await needing()).toEqual([]);
});

test("a canceled one that has been quiet for long", async () => {
  const executor = await begin();
  await executor.report();
  await executor.becomes({ kind: "canceled" });
  await pool.guard();
  vi.setSystemTime(Date.now() + 11 * MINUTE);
  expect(await needing()).toEqual([executor.id]);
});
