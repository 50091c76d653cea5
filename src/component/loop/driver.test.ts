/** An executor whose reports do the loop's turns: how it comes to that, what it does, and what happens when it is lost. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  ended,
  failure,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { internal } from "../_generated/api.js";
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
const state = async () => (await pool.runStatus()).state;
const driver = async () => (await pool.loopState()).turnBy;
/** The scheduled ticks of the chain. */
const links = async () =>
  (await pool.scheduled(TICK)).filter(
    ({ args }) => args[0].dueAt !== undefined,
  );

/** Three wake-ups within a second, the first two done at once; the test plays the executor of the third. */
async function driving(maxParallelism = 20): Promise<HandExecutor> {
  for (const key of ["first", "second"]) {
    await pool.enqueue([action(key)], { maxParallelism });
    await pool.pass(150);
  }
  await pool.enqueue([action("third")]);
  const executor = await pool.startByHand();
  expect(await driver()).toBe(executor.id);
  return executor;
}
const drive = { mayDrive: true };
/** So long that a loop parks; a driver that comes late first makes sure that the deployment is not just slow. */
async function quiet(executor: HandExecutor): Promise<void> {
  vi.setSystemTime(Date.now() + 2 * SECOND);
  await executor.report([], drive);
  vi.setSystemTime(Date.now() + SECOND / 5);
}

describe("an executor drives", () => {
  test("when wake-ups come often: it is told so, and no chain begins", async () => {
    const executor = await driving();
    expect(executor.start.pollMs).toBeGreaterThan(0);
    expect(executor.start.closed).toBe(false);
    expect(await state()).toEqual({ kind: "running" });
    expect(await links()).toEqual([]);
  });

  test("not when a single one comes now and then", async () => {
    for (const key of ["a", "b", "c"]) {
      await pool.enqueue([action(key)]);
      await pool.pass(SECOND);
    }
    expect(await state()).toEqual({ kind: "idle" });
  });

  test("not when more runs than fits one with room to spare", async () => {
    for (const key of ["first", "second"]) {
      await pool.enqueue([action(key)], { maxParallelism: 20 });
      await pool.pass(150);
    }
    await pool.enqueue(
      Array.from({ length: 9 }, (_, index) => action(`${index}`)),
    );
    await pool.tick();
    expect(await driver()).toBeUndefined();
  });

  test("when it reports to a running loop without a driver and has room", async () => {
    await pool.enqueue([action("a")], { maxParallelism: 20 });
    await pool.enqueue([action("b")]);
    const executor = await pool.startByHand();
    expect(await links()).toHaveLength(1);
    const [a] = executor.attempts();
    expect(await executor.report([ended(a!)], drive)).toMatchObject({
      pollMs: expect.any(Number),
      listen: true,
    });
    // The link that was scheduled before finds that it is not wanted.
    await pool.enqueue([action("c")]);
    await pool.pass(SECOND / 2);
    expect(await links()).toEqual([]);
    expect(await pool.rows("pendingStart")).toHaveLength(1);
  });
});

describe("a driver's report", () => {
  test("brings results, and takes what has been enqueued meanwhile", async () => {
    const executor = await driving();
    const [third] = executor.attempts();
    const [id] = await pool.enqueue([action("next")]);
    const reply = await executor.report([ended(third!)], drive);
    expect(reply.next.map(({ workId }) => workId)).toEqual([id]);
    expect(reply.pollMs).toBeGreaterThan(0);
    expect(await pool.outcomes()).toHaveProperty("third");
    expect(await links()).toEqual([]);
  });

  test("widens its lease when it needs to, and gets it all at once", async () => {
    const executor = await driving();
    await pool.enqueue(
      Array.from({ length: 11 }, (_, index) => action(`${index}`)),
    );
    const reply = await executor.report([], drive);
    expect(reply.next).toHaveLength(11);
    expect(reply.width).toBeGreaterThanOrEqual(12);
  });

  test("gives the loop back to a chain when there is more than it can take", async () => {
    const executor = await driving();
    await pool.enqueue(
      Array.from({ length: 40 }, (_, index) => action(`${index}`)),
    );
    const reply = await executor.report([], drive);
    expect(reply.pollMs).toBeNull();
    expect(await driver()).toBeUndefined();
    expect(await links()).toHaveLength(1);
    while (executor.held.size > 0) {
      await executor.report(executor.attempts().map((each) => ended(each)));
    }
    await executor.leave();
    await pool.drain();
    expect(Object.keys(await pool.outcomes())).toHaveLength(43);
  });

  test("parks the loop when nothing has come for a while, and is its last", async () => {
    const executor = await driving();
    const [third] = executor.attempts();
    await executor.report([ended(third!)], drive);
    await quiet(executor);
    expect(await executor.report([], drive)).toMatchObject({
      done: true,
      pollMs: null,
    });
    expect(await state()).toEqual({ kind: "idle" });
    expect(await driver()).toBeUndefined();
    expect(await links()).toEqual([]);
  });

  test("closes it when the loop parks while something runs", async () => {
    const executor = await driving();
    await quiet(executor);
    expect(await executor.report([], drive)).toMatchObject({
      done: false,
      closed: true,
      pollMs: null,
    });
    expect(await state()).toEqual({ kind: "idle" });
    const [third] = executor.attempts();
    expect(await executor.report([ended(third!)])).toMatchObject({
      done: true,
    });
  });

  test("does not park over a retry that it has just queued", async () => {
    const executor = await driving();
    const retryBehavior = { maxAttempts: 2, initialBackoffMs: 10, base: 2 };
    await pool.enqueue([action("again", { retryBehavior })]);
    const { next } = await executor.report([], drive);
    await quiet(executor);
    await executor.report([ended(next[0]!, failure())], drive);
    expect(await state()).not.toEqual({ kind: "idle" });
    await executor.report(executor.attempts().map((each) => ended(each)));
    await pool.drain();
    expect(await pool.outcomes()).toHaveProperty("again");
  });

  test("that leaves hands the loop on at once", async () => {
    const executor = await driving();
    const [id] = await pool.enqueue([action("next")]);
    await executor.report([], { ...drive, closing: true });
    expect(await links()).toHaveLength(1);
    await pool.pass(SECOND / 2);
    expect(await pool.work(id!)).toBeNull();
  });

  test("leaves changed settings to a tick that comes at once", async () => {
    const executor = await driving();
    await pool.setLimit(3);
    await executor.report([], drive);
    expect(await driver()).toBeUndefined();
    await pool.pass(0);
    expect((await executor.row())!.width).toBeLessThanOrEqual(3);
  });

  test("does no turn when it is repeated, or tried again", async () => {
    const executor = await driving();
    await executor.report([], drive);
    await pool.enqueue([action("next")]);
    await executor.again(drive);
    await executor.report([], { ...drive, inlineCallbacks: false });
    expect(await pool.rows("pendingStart")).toHaveLength(1);
    expect((await executor.report([], drive)).next).toHaveLength(1);
  });
});

test("others stop listening while one drives", async () => {
  await pool.enqueue([action("a")], { maxParallelism: 20 });
  await pool.enqueue([action("b")]);
  const one = await pool.startByHand();
  // More than fits one: another executor.
  await pool.enqueue(
    Array.from({ length: 12 }, (_, index) => action(`${index}`)),
  );
  await pool.tick();
  const others = await pool.takeExecutors();
  const other = others.find(({ id }) => id !== one.id)!;
  await one.report(one.attempts().map((each) => ended(each)));
  await one.report(one.attempts().map((each) => ended(each)));
  await one.report([], drive);
  expect(await driver()).toBe(one.id);
  const results = other.attempts().map((each) => ended(each));
  expect(await other.report(results, drive)).toMatchObject({
    listen: false,
    pollMs: null,
  });
});

test("a link of the chain counts only at the time that the last turn set", async () => {
  await pool.enqueue([action("a")], { maxParallelism: 4 });
  await pool.enqueue([action("b")]);
  await pool.startByHand();
  const [link] = await links();
  await pool.enqueue([action("waiting")]);
  const { generation, dueAt } = link!.args[0];
  const { t } = pool;
  await t.mutation(internal.loop.tick.tick, { generation, dueAt: dueAt - 1 });
  expect(await pool.rows("pendingStart")).toHaveLength(1);
  await t.mutation(internal.loop.tick.tick, { generation, dueAt });
  expect(await pool.rows("pendingStart")).toEqual([]);
});

describe("a driver that was lost", () => {
  test.each([
    ["failed", { kind: "failed" as const, error: "out of memory" }],
    ["is gone", null],
  ])(
    "because its scheduled function %s leaves the loop to the guard",
    async (_, jobState) => {
      const executor = await driving();
      await executor.becomes(jobState);
      await pool.enqueue([action("waiting")]);
      await pool.pass(15 * SECOND);
      expect(await pool.rows("pendingStart")).toEqual([]);
      await pool.drain();
      expect(await pool.outcomes()).toHaveProperty("waiting");
      expect(await pool.outcomes()).toHaveProperty("third");
    },
  );

  test("because it was canceled does no more turns, and the guard takes over", async () => {
    const executor = await driving();
    await executor.becomes({ kind: "canceled" });
    await pool.enqueue([action("waiting")]);
    expect(await executor.report([], drive)).toMatchObject({ pollMs: null });
    expect(await pool.rows("pendingStart")).toHaveLength(1);
    await pool.pass(15 * SECOND);
    expect(await pool.rows("pendingStart")).toEqual([]);
  });

  test("because it never reported again is found by the guard, and stops driving when it does", async () => {
    const executor = await driving();
    await pool.enqueue([action("waiting")]);
    await pool.pass(20 * SECOND);
    expect(await driver()).not.toBe(executor.id);
    expect(await pool.rows("pendingStart")).toEqual([]);
    await executor.report([], drive);
    await executor.report(executor.attempts().map((each) => ended(each)));
    await pool.drain();
    expect(await pool.outcomes()).toHaveProperty("waiting");
  });
});
