import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { inFlight } from "../../testing/app/jobs.js";
import {
  ended,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { SECOND } from "../shared.js";

let pool: ProtocolTest;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
  pool = new ProtocolTest();
});
afterEach(() => {
  // Nobody had to help: every work was started by the wake-up meant for it.
  expect(console.warn).not.toHaveBeenCalledWith(
    expect.stringContaining("no sign of life"),
  );
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const actions = (count: number, ms = 0, from = 0) =>
  Array.from({ length: count }, (_, index) => {
    const key = `k${from + index}`;
    return job("action", "act", { key, ms }, recorded(key));
  });
const heldBy = (...executors: HandExecutor[]) =>
  executors.reduce((sum, { held }) => sum + held.size, 0);
/** A busy executor with one work, and `count` more handed over to it. */
async function handedOver(
  count: number,
  maxParallelism: number,
): Promise<HandExecutor> {
  await pool.enqueue(actions(1), { maxParallelism });
  const executor = await pool.startOpenByHand();
  await pool.enqueue(actions(count, 0, 1));
  await pool.tick();
  return executor;
}
/** Ends `count` of what an executor has, as successes. */
const finish = (executor: HandExecutor, count: number) =>
  executor.report(
    [...executor.held.values()].slice(0, count).map((each) => ended(each)),
  );

/** Executors with eight works each in flight, which is all that the limit allows. */
async function fullExecutors(
  count: number,
  waiting = 20,
): Promise<HandExecutor[]> {
  const limit = 8 * count;
  await pool.enqueue(actions(limit + waiting), { maxParallelism: limit });
  await pool.tick();
  const executors = await pool.takeExecutors();
  expect(executors.map(({ held }) => held.size)).toEqual(
    Array<number>(count).fill(8),
  );
  return executors;
}
async function twoFullExecutors(
  waiting?: number,
): Promise<[HandExecutor, HandExecutor]> {
  const [a, b] = await fullExecutors(2, waiting);
  return [a!, b!];
}

test("a pool that is no longer paused can be noticed to be dead again", async () => {
  await pool.enqueue(actions(3), { maxParallelism: 0 });
  await pool.tick();
  expect(await pool.runStatus()).toMatchObject({
    state: { kind: "saturated" },
    validUntil: null,
  });
  await pool.setLimit(1);
  await pool.tick();
  expect(await pool.rows("executor")).toHaveLength(1);
  const { state, validUntil } = await pool.runStatus();
  expect(state.kind).not.toBe("idle");
  expect(validUntil).toBeGreaterThan(Date.now());
});

describe("when the limit is lowered,", () => {
  test("nothing starts until fewer are in flight, wherever they are", async () => {
    const [a, b] = await twoFullExecutors();
    await pool.setLimit(5);
    await pool.tick();
    for (let round = 0; round < 10; round++) {
      const before = heldBy(a, b);
      await finish(round % 2 === 0 ? a : b, 3);
      await pool.tick();
      await a.report();
      await b.report();
      const ended = Math.min(3, before);
      expect(heldBy(a, b)).toBeLessThanOrEqual(Math.max(5, before - ended));
    }
    expect(heldBy(a, b)).toBeLessThanOrEqual(5);
  });

  test("what was handed over and not delivered goes back to the queue", async () => {
    const executor = await handedOver(7, 8);
    await pool.setLimit(3);
    await pool.tick();
    expect((await executor.report()).next.length).toBeLessThanOrEqual(2);
    pool.moment();
    await pool.tick();
    await executor.report();
    expect(executor.held.size).toBe(3);
    const waiting = await pool.rows("pendingStart");
    expect(waiting.flatMap(({ works }) => works)).toHaveLength(5);
    const works = await pool.liveWorks();
    expect(works.every(({ attempts }) => attempts === undefined)).toBe(true);
  });

  test("however much was handed over goes back, and nothing is handed over again meanwhile", async () => {
    const executor = await handedOver(0, 8);
    await executor.report([], { worksPerSlot: 50, want: 0 });
    // More than one tick takes back, and more wait for their place.
    await pool.enqueue(actions(600, 0, 1));
    await pool.tick();
    const had = await pool.handOversTo(executor.id);
    expect(had.length).toBeGreaterThan(64);
    const { epoch } = (await executor.row())!;
    await pool.setLimit(4);
    await pool.tick();
    const left = await pool.handOversTo(executor.id);
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(had.length);
    expect(had).toEqual(expect.arrayContaining(left));
    expect(await executor.row()).toMatchObject({ epoch });
    expect(await executor.report()).toMatchObject({ next: [] });
    pool.moment();
    await pool.tick();
    const [config] = await pool.rows("config");
    expect(await executor.row()).toMatchObject({ epoch: config!.epoch });
    await executor.report();
    expect(executor.held.size).toBe(4);
  });

  test("what goes back and was canceled meanwhile ends at once, and does not wait again", async () => {
    const executor = await handedOver(7, 8);
    const handOvers = await pool.rows("running");
    const canceled = handOvers.flatMap(({ works }) => works).slice(-2);
    for (const id of canceled) await pool.cancel(id);
    await pool.setLimit(1);
    await pool.tick();
    await executor.report();
    const waiting = await pool.rows("pendingStart");
    const works = waiting.flatMap(({ works }) => works);
    expect(works).toHaveLength(5);
    for (const id of canceled) {
      expect(works).not.toContain(id);
      expect(await pool.get(id)).toMatchObject({
        state: "finished",
        result: { kind: "canceled" },
      });
    }
  });

  test("what was handed over goes back even where it would fit, while others run too many", async () => {
    const [a, b] = await twoFullExecutors(2);
    await finish(b, 7);
    await pool.tick();
    // Two more are assigned to b and not delivered: five, its share of the new limit.
    await pool.setLimit(5);
    await pool.tick();
    await a.report();
    await b.report();
    expect([a.held.size, b.held.size]).toEqual([8, 1]);
  });

  test("what waits in a buffer may be given back, and runs when its turn comes", async () => {
    await pool.enqueue(actions(12), { maxParallelism: 4 });
    const executor = await pool.startByHand();
    await executor.report([], { worksPerSlot: 3 });
    await pool.tick();
    await executor.report([], { want: 100 });
    const [first, ...others] = executor.attempts();
    expect(others).toHaveLength(11);
    await pool.setLimit(1);
    await pool.tick();
    expect((await executor.report()).width).toBe(1);

    const back = others.slice(3);
    await executor.report(
      back.map((each) => ended(each, { kind: "returned" })),
    );
    await executor.report(
      [first!, ...others.slice(0, 3)].map((each) => ended(each)),
      { worksPerSlot: 1 },
    );
    pool.moment();
    await pool.tick();
    const { next } = await executor.report();
    expect(next).toMatchObject([
      { workId: back[0]!.workId, fence: back[0]!.fence + 1 },
    ]);
    const works = await pool.liveWorks();
    expect(works.every(({ attempts }) => attempts === undefined)).toBe(true);
  });

  test("what an executor has in its buffer is held back also while it is closing", async () => {
    await pool.enqueue(actions(12), { maxParallelism: 4 });
    const executor = await pool.startByHand();
    await executor.report([], { worksPerSlot: 3 });
    await pool.tick();
    await executor.report([], { closing: true });
    expect(executor.held.size).toBe(12);
    await pool.setLimit(1);
    await pool.tick();
    expect(await executor.report()).toMatchObject({ width: 1, closed: true });
  });

  test("nothing is handed over ahead while handlers of the wider lease may run", async () => {
    await pool.enqueue(actions(40), { maxParallelism: 4 });
    const executor = await pool.startByHand();
    await executor.report([], { worksPerSlot: 5 });
    await pool.setLimit(2);
    await pool.tick();
    await pool.tick();
    expect(await pool.rows("running")).toEqual([]);
    await finish(executor, 2);
    await pool.tick();
    const ahead = await pool.rows("running");
    expect(ahead).toEqual([]);
    await executor.report([], { worksPerSlot: 5 });
    await pool.tick();
    expect(
      (await pool.rows("running")).flatMap(({ works }) => works),
    ).toHaveLength(8);
  });

  test("what was handed over goes back also from an executor whose width stays", async () => {
    const [a, b] = await twoFullExecutors();
    await finish(b, 7);
    await pool.tick();
    // Seven are assigned to b again, and not delivered.
    expect(heldBy(a, b)).toBe(9);
    expect(
      (await pool.rows("running")).flatMap(({ works }) => works),
    ).toHaveLength(7);
    await pool.setLimit(8);
    await pool.tick();
    expect(await b.row()).toMatchObject({ width: 8 });
    await a.report();
    await b.report();
    expect(heldBy(a, b)).toBe(9);
  });

  test("to 0, nothing starts any more, and what runs may end", async () => {
    await pool.enqueue(actions(8), { maxParallelism: 4 });
    const executor = await pool.startByHand();
    await pool.setLimit(0);
    await pool.tick();
    const reply = await finish(executor, 4);
    expect(reply).toMatchObject({ next: [], width: 0 });
    await executor.leave();
    await pool.drain();
    expect(Object.keys(await pool.outcomes())).toHaveLength(4);
    expect(await pool.runStatus()).toMatchObject({
      state: { kind: "saturated" },
      validUntil: null,
    });
    expect(await pool.unfinished()).toEqual([]);

    await pool.setLimit(2);
    await pool.drain();
    expect(Object.keys(await pool.outcomes())).toHaveLength(8);
  });
});

describe("when the limit is raised,", () => {
  test("further executors use it", async () => {
    await pool.enqueue(actions(20), { maxParallelism: 4 });
    await pool.startByHand();
    await pool.setLimit(12);
    await pool.tick();
    const executors = await pool.rows("executor");
    expect(executors).toHaveLength(2);
    expect(executors.reduce((sum, { width }) => sum + width, 0)).toBe(12);
    expect(executors.flatMap(({ first }) => first)).toHaveLength(12);
  });

  test("a lease is widened where no further executor may be started", async () => {
    const executors = await fullExecutors(3);
    // Their works are short: they do not sleep.
    for (const each of executors) await each.report([], { worksPerSlot: 2 });
    await pool.setLimit(30);
    await pool.tick();
    // One report tells of the wider lease, the next one makes use of it.
    for (let n = 0; n < 2; n++) {
      for (const each of executors) await each.report();
    }
    expect(executors.reduce((sum, { width }) => sum + width, 0)).toBe(30);
    expect(heldBy(...executors)).toBeGreaterThanOrEqual(30);
  });

  test("the lease of one that sleeps over long works is widened by its own report", async () => {
    const executors = await fullExecutors(3);
    for (const each of executors) await each.report();
    await pool.setLimit(26);
    await pool.pass(2 * SECOND);
    expect(await pool.runStatus()).toMatchObject({
      state: { kind: "saturated" },
    });
    expect((await pool.rows("executor")).map(({ width }) => width)).toEqual([
      8, 8, 8,
    ]);
    await finish(executors[1]!, 1);
    expect(executors[1]!.width).toBe(10);
    expect(heldBy(...executors)).toBe(26);
  });

  test("after it was lowered, what was cut is used again", async () => {
    const executors = await fullExecutors(3, 30);
    await pool.setLimit(5);
    await pool.tick();
    for (const each of executors) await finish(each, 8);
    await pool.setLimit(24);
    for (let n = 0; n < 2; n++) {
      await pool.tick();
      for (const each of executors) await each.report();
    }
    expect(heldBy(...executors)).toBe(24);
  });
});

describe("when an executor closes while work is handed to it,", () => {
  test("it gets what was handed over before it asked", async () => {
    const executor = await handedOver(1, 4);
    const reply = await executor.report([], { closing: true });
    expect(reply).toMatchObject({ closed: true, done: false });
    expect(reply.next).toHaveLength(1);
    await finish(executor, 2);
    await pool.drain();
    expect(Object.keys(await pool.outcomes())).toHaveLength(2);
  });

  test("it is not handed anything after it asked", async () => {
    const executor = await handedOver(0, 4);
    await executor.report([], { closing: true });
    await pool.enqueue(actions(1, 0, 1));
    await pool.tick();
    expect(await pool.rows("running")).toEqual([]);
    expect(await pool.rows("executor")).toHaveLength(2);
    await finish(executor, 1);
    await pool.drain();
    expect(Object.keys(await pool.outcomes())).toHaveLength(2);
  });

  test("it may not close while it cannot take what was handed over", async () => {
    const executor = await handedOver(3, 4);
    await pool.setLimit(2);
    const refused = await executor.report([], { closing: true });
    expect(refused).toMatchObject({ closed: false, done: false, next: [] });
    await pool.tick();
    await executor.report([], { closing: true });
    await finish(executor, executor.held.size);
    await pool.drain();
    expect(Object.keys(await pool.outcomes())).toHaveLength(4);
  });
});

test("a pool that is paused stays so, whatever the class has room for", async () => {
  await pool.enqueue(actions(3), { maxParallelism: 0 });
  await pool.pass(10 * SECOND);
  expect(await pool.effects("attempt")).toEqual([]);
});

describe("handlers in flight, counted by themselves,", () => {
  test.each([1, 3, 8, 17, 50])("are never more than %i", async (limit) => {
    pool.deploymentClass = "s256";
    await pool.enqueue(actions(3 * limit + 5, 40), { maxParallelism: limit });
    await pool.drain();
    expect(inFlight.most).toBe(limit);
    expect(await pool.effects("completed")).toHaveLength(3 * limit + 5);
  });

  test("are on the smallest class no more than it has room for", async () => {
    await pool.enqueue(actions(150, 40), { maxParallelism: 500 });
    await pool.drain();
    expect(inFlight.most).toBe(48);
    expect(await pool.effects("completed")).toHaveLength(150);
  });

  test("are more from the next turn on when the deployment gets a larger class", async () => {
    await pool.enqueue(actions(300, 2000), { maxParallelism: 500 });
    await pool.pass(3000);
    expect(inFlight.most).toBe(48);
    pool.deploymentClass = "s256";
    await pool.drain();
    expect(inFlight.most).toBeGreaterThan(100);
    expect(await pool.effects("completed")).toHaveLength(300);
  });

  test("follow every change of the limit: down at once for new ones, up again", async () => {
    await pool.enqueue(actions(120, 300), { maxParallelism: 20 });
    for (const limit of [3, 12, 0, 25, 1, 30]) {
      await pool.pass(700);
      await pool.setLimit(limit);
      // An executor learns of it when what runs has ended, within 300 ms, and
      // may have begun what was in its buffer by then.
      await pool.pass(800);
      inFlight.most = inFlight.now;
      expect(inFlight.now).toBeLessThanOrEqual(limit);
      await pool.pass(500);
      expect(inFlight.most).toBeLessThanOrEqual(limit);
    }
    await pool.drain();
    expect(await pool.effects("attempt")).toHaveLength(120);
    expect(await pool.effects("completed")).toHaveLength(120);
  });
});
