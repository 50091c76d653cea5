/** Where all slots are taken by long works, a report fills what it freed. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ended, job, ProtocolTest, recorded } from "../../testing/protocol.js";
import { SECOND } from "../shared.js";

let pool: ProtocolTest;
beforeEach(() => {
  vi.useFakeTimers();
  pool = new ProtocolTest();
});
afterEach(() => {
  vi.useRealTimers();
});

const items = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    job("action", "act", { key: `k${n}` }, recorded(`k${n}`)),
  );
const ONE_SLOT = { maxParallelism: 1 };
/** The executor that has the one slot, while the rest waits. */
async function saturated() {
  const executor = await pool.startByHand();
  await executor.report();
  await pool.pass(2 * SECOND);
  expect((await pool.runStatus()).state).toEqual({ kind: "saturated" });
  return executor;
}

describe.each([
  ["a batch", async (count: number) => pool.enqueue(items(count), ONE_SLOT)],
  [
    "one by one",
    async (count: number) => {
      for (const item of items(count)) await pool.enqueueOne(item, ONE_SLOT);
    },
  ],
])("works enqueued %s", (_, enqueue) => {
  test("follow each other without a tick, and nobody who enqueues is disturbed", async () => {
    await enqueue(6);
    const executor = await saturated();
    const before = await pool.runStatus();
    for (let n = 0; n < 3; n++) {
      const [attempt] = executor.attempts();
      vi.setSystemTime(Date.now() + SECOND);
      const reply = await executor.report([ended(attempt!)]);
      expect(reply).toMatchObject({ closed: false });
      expect(reply.next).toMatchObject([{ fnArgs: { key: `k${n + 1}` } }]);
      expect(await pool.runStatus()).toEqual(before);
      expect(await pool.scheduled("loop/tick:tick")).toEqual([]);
    }
  });

  test("all run, and the pool becomes idle after the last", async () => {
    await enqueue(3);
    const executor = await saturated();
    while (executor.held.size > 0) {
      await pool.pass(SECOND);
      await executor.report(executor.attempts().map((each) => ended(each)));
    }
    await pool.drain();
    expect(Object.keys(await pool.outcomes())).toHaveLength(3);
    expect((await pool.runStatus()).state).toEqual({ kind: "idle" });
  });
});

test("what was canceled between its hand-over and its delivery makes room for the next", async () => {
  const ids = await pool.enqueue(items(2), ONE_SLOT);
  const executor = await pool.startOpenByHand();
  const results = executor.attempts().map((each) => ended(each));
  await executor.report(results, { want: 0 });
  await pool.tick();
  expect(await pool.handOversTo(executor.id)).toHaveLength(1);
  await pool.cancel(ids[1]!);
  await pool.enqueue(items(3).slice(2));
  await pool.pass(2 * SECOND);
  expect((await pool.runStatus()).state).toEqual({ kind: "saturated" });

  expect((await executor.report()).next).toEqual([]);
  await pool.pass(SECOND);
  const { next } = await executor.report();
  expect(next).toMatchObject([{ fnArgs: { key: "k2" } }]);
});
