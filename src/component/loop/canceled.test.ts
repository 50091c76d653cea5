/** Executors whose scheduled function was canceled: Convex does not interrupt them. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ended, job, ProtocolTest, recorded } from "../../testing/protocol.js";
import type { Item } from "../work/enqueue.js";
import { MINUTE, SECOND } from "../shared.js";

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
const moments = [
  { when: "before its first report", reports: 0 },
  { when: "after a report", reports: 1 },
];

describe.each(moments)("when an executor is canceled $when,", ({ reports }) => {
  const begin = async () => {
    await pool.enqueue([action("a"), action("b")], { maxParallelism: 4 });
    const executor = await pool.startOpenByHand();
    for (let n = 0; n < reports; n++) await executor.report();
    await pool.enqueue([action("undelivered")]);
    await pool.tick();
    await executor.becomes({ kind: "canceled" });
    await pool.guard();
    return executor;
  };

  test("what it was not given yet goes to others at once", async () => {
    await begin();
    await pool.pass(SECOND);
    expect(await pool.outcomes()).toMatchObject({
      undelivered: [{ kind: "success" }],
    });
  });

  test("it may go on, and what it reports counts", async () => {
    const executor = await begin();
    const attempts = executor.attempts();
    const reply = await executor.report([ended(attempts[0]!)]);
    expect(reply).toMatchObject({ closed: true, next: [], listen: false });
    const last = await executor.report([ended(attempts[1]!)]);
    expect(last.done).toBe(true);
    await pool.drain();
    expect(await pool.outcomes()).toMatchObject({
      a: [{ kind: "success", returnValue: "done" }],
      b: [{ kind: "success", returnValue: "done" }],
    });
  });

  test("its slots stay taken until it has been quiet for long", async () => {
    await begin();
    await pool.enqueue([action("c"), action("d"), action("e")]);
    await pool.tick();
    const given = (await pool.rows("executor"))
      .filter(({ state }) => state.kind !== "done")
      .flatMap(({ first }) => first);
    expect(given).toHaveLength(4);
    await pool.pass(5 * MINUTE);
    expect(await pool.outcomes()).not.toHaveProperty("a");
    await pool.pass(7 * MINUTE);
    expect(await pool.outcomes()).toMatchObject({
      a: [{ kind: "failed" }],
      b: [{ kind: "failed" }],
      e: [{ kind: "success" }],
    });
    await pool.drain();
  });
});

test("what a canceled executor was not given goes to others however much it is, and never back to it", async () => {
  await pool.enqueue([action("first")], { maxParallelism: 8 });
  const executor = await pool.startOpenByHand();
  await executor.report([], { worksPerSlot: 50, want: 0 });
  // More than one piece takes back, and more wait for their place.
  const keys = Array.from({ length: 500 }, (_, n) => `undelivered ${n}`);
  await pool.enqueue(keys.map((key) => action(key)));
  await pool.tick();
  const had = await pool.handOversTo(executor.id);
  expect(had.length).toBeGreaterThan(50);
  await executor.becomes({ kind: "canceled" });
  await pool.watch();
  let pieces = 0;
  while (await pool.recoverPiece()) {
    pieces += 1;
    // What went back is in the queue, and the chain goes on meanwhile.
    await pool.tick();
    expect(had).toEqual(
      expect.arrayContaining(await pool.handOversTo(executor.id)),
    );
  }
  expect(pieces).toBeGreaterThan(2);
  expect(await pool.handOversTo(executor.id)).toEqual([]);
  await pool.pass(5 * SECOND);
  expect(await pool.outcomes()).toMatchObject(
    Object.fromEntries(keys.map((key) => [key, [{ kind: "success" }]])),
  );
});
