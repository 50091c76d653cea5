/** Executors that sleep over long works. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  ended,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import type { Item } from "../work/enqueue.js";
import { SECOND } from "../shared.js";

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

/** Eight works run; sixteen more were handed over ahead, when works were short. */
async function handedAhead(): Promise<HandExecutor> {
  await pool.enqueue(actions(24), { maxParallelism: 8 });
  const executor = await pool.startByHand();
  await executor.report([], { worksPerSlot: 3, want: 0 });
  await pool.tick();
  expect(await waiting()).toBe(0);
  return executor;
}
const waiting = async () =>
  (await pool.rows("pendingStart")).flatMap(({ works }) => works).length;

test("what was handed over ahead is taken back, free of charge, when the executor falls asleep", async () => {
  const executor = await handedAhead();
  await executor.report([], { worksPerSlot: 1, want: 0 });
  expect(await executor.stats()).toMatchObject({ worksPerSlot: 0 });
  await pool.tick();
  expect(await waiting()).toBe(16);
  expect(await pool.rows("running")).toEqual([]);
  const back = (await pool.liveWorks()).filter(({ fence }) => fence === 1);
  expect(back).toHaveLength(16);
  for (const work of back) expect(work).not.toHaveProperty("attempts");
});

test("nobody hands it anything meanwhile", async () => {
  const executor = await handedAhead();
  await executor.report([], { worksPerSlot: 1, want: 0 });
  for (let n = 0; n < 5; n++) {
    pool.moment();
    await pool.tick();
  }
  expect(await pool.handOversTo(executor.id)).toEqual([]);
});

test("another executor runs it where the limit allows, while the long works go on", async () => {
  const executor = await handedAhead();
  await executor.report([], { worksPerSlot: 1, want: 0 });
  await pool.setLimit(16);
  await pool.pass(2 * SECOND);
  expect(Object.keys(await pool.outcomes())).toHaveLength(16);
  expect(executor.held.size).toBe(8);
});

test("the watchdog sees to it, where nobody else comes by", async () => {
  const executor = await handedAhead();
  await pool.pass(2 * SECOND);
  await executor.report([], { worksPerSlot: 1, want: 0 });
  expect(await pool.handOversTo(executor.id)).not.toEqual([]);
  await pool.pass(15 * SECOND);
  expect(await pool.handOversTo(executor.id)).toEqual([]);
});

test("its own report wakes it: what it freed is filled at once", async () => {
  const executor = await handedAhead();
  await executor.report([], { worksPerSlot: 1, want: 0 });
  await pool.pass(16 * SECOND);
  const [first, second] = executor.attempts();
  const { next } = await executor.report([ended(first!), ended(second!)]);
  expect(next).toHaveLength(2);
});

test("one that is full sleeps as soon as nothing more is expected, however short its works were", async () => {
  await pool.enqueue(actions(8), { maxParallelism: 8 });
  const executor = await pool.startByHand();
  await pool.pass(2 * SECOND);
  const { listen } = await executor.report([], { worksPerSlot: 64, want: 0 });
  expect(listen).toBe(false);
  expect(await executor.stats()).toMatchObject({ worksPerSlot: 0 });
});
