/** What `health` tells of a pool as it goes through its states, and what `kick` does for one that is stuck. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ended, job, ProtocolTest, recorded } from "../../testing/protocol.js";
import { api } from "../_generated/api.js";
import type { Item } from "../work/enqueue.js";
import { HOUR, MINUTE, SECOND } from "../shared.js";

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

const health = () => pool.t.query(api.pool.health, {});
const kick = () => pool.t.mutation(api.pool.kick, {});
const action = (key: string, changes: Partial<Item> = {}) =>
  job("action", "act", { key }, { ...recorded(key), ...changes });

describe("health", () => {
  test("of a pool that was never used is good", async () => {
    expect(await health()).toMatchObject({
      healthy: true,
      problems: [],
      state: "idle",
      lastTickAt: null,
      backlog: { count: 0, isAtLeast: false },
      executors: [],
      paused: false,
      overrides: {},
      facts: [],
    });
  });

  test("tells what waits, what runs and where", async () => {
    await pool.enqueue([action("a"), action("b"), action("c")], {
      maxParallelism: 2,
    });
    const before = Date.now();
    expect(await health()).toMatchObject({
      healthy: true,
      maxParallelism: 2,
      backlog: { count: 3 },
      oldestWaitingSince: expect.any(Number),
      inFlight: 0,
    });
    const executor = await pool.startByHand();
    expect(await health()).toMatchObject({
      healthy: true,
      backlog: { count: 1 },
      inFlight: 2,
      running: 2,
      claimed: 0,
      lastTickAt: before,
      executors: [
        {
          state: "inProgress",
          width: 2,
          inFlight: 2,
          running: 2,
          claimed: 0,
          lastReportAt: null,
        },
      ],
    });
    const [first] = executor.attempts();
    await executor.report([ended(first!)]);
    const { executors, inFlight } = await health();
    expect(inFlight).toBe(executor.held.size);
    expect(executors).toMatchObject([{ lastReportAt: Date.now() }]);
  });

  test("leaves works that are due later out of the backlog", async () => {
    const runAt = Date.now() + MINUTE;
    await pool.enqueue([action("later", { runAt })]);
    await pool.pass(SECOND);
    expect(await health()).toMatchObject({
      healthy: true,
      state: "scheduled",
      nextTickAt: runAt,
      nextDueAt: runAt,
      backlog: { count: 0 },
      oldestWaitingSince: null,
    });
  });

  test("tells works in an executor that has not started from running ones", async () => {
    const [id] = await pool.enqueue([action("a")]);
    await pool.tick();
    const claimed = { inFlight: 1, running: 0, claimed: 1 };
    expect(await health()).toMatchObject({
      ...claimed,
      executors: [{ state: "pending", ...claimed }],
    });
    expect(await pool.get(id!)).toMatchObject({ state: "claimed" });
    expect(await pool.status(id!)).toMatchObject({ state: "running" });
  });

  test("tells of a pause as a fact: a paused pool is healthy", async () => {
    await pool.enqueue([action("a")], { maxParallelism: 3 });
    await pool.setLimit(0);
    await pool.pass(10 * SECOND);
    expect(await health()).toMatchObject({
      healthy: true,
      problems: [],
      paused: true,
      overrides: { maxParallelism: { value: 0, insteadOf: 3 } },
      facts: [expect.stringMatching(/paused.*1 work is waiting/)],
    });
  });

  test("tells what the class has no room for, and the limit in effect beside the configured one", async () => {
    await pool.enqueue([], { maxParallelism: 200 });
    expect(await health()).toMatchObject({
      healthy: true,
      maxParallelism: 200,
      limitInEffect: 48,
      transactionLimitInEffect: 12,
      facts: [expect.stringMatching(/200, but no more than 48 .* 12 mut/)],
    });
    pool.deploymentClass = "s256";
    expect(await health()).toMatchObject({
      limitInEffect: 200,
      transactionLimitInEffect: 200,
      facts: [],
    });
  });

  test("tells what executors have halved, until they have not", async () => {
    await pool.enqueue([action("a"), action("b")], { maxParallelism: 2 });
    const executor = await pool.startByHand();
    const [first, second] = executor.attempts();
    await executor.report([ended(first!)], { halved: { action: 1 } });
    expect(await health()).toMatchObject({
      healthy: true,
      executors: [{ halved: { action: 1 } }],
      facts: [expect.stringMatching(/refused .*1 worker .* 1 at most/)],
    });
    await executor.report();
    expect(await health()).toMatchObject({
      executors: [{ halved: null }],
      facts: [],
    });
    const [stats] = await pool.rows("executorStats");
    expect(stats).not.toHaveProperty("halved");
    await executor.report([ended(second!)]);
  });

  test("tells of overrides in force", async () => {
    await pool.enqueue([], { maxParallelism: 3 });
    await pool.setLimit(5);
    expect(await health()).toMatchObject({
      healthy: true,
      paused: false,
      facts: [expect.stringContaining("in place of 3")],
    });
  });

  test("tells of Workpool objects that disagree", async () => {
    await pool.enqueue([], { maxParallelism: 3 });
    await pool.enqueue([], { maxParallelism: 4 });
    expect(await health()).toMatchObject({
      healthy: false,
      problems: [expect.stringContaining('"maxParallelism":4')],
    });
    vi.setSystemTime(Date.now() + HOUR);
    expect(await health()).toMatchObject({ healthy: true });
  });

  test("names callbacks that fail from the third failure on", async () => {
    const works = ["a", "b"].map((key) =>
      action(key, recorded(key, "completedWhenAllowed")),
    );
    const ids = await pool.enqueue(works, { maxParallelism: 0 });
    for (const id of ids) await pool.cancel(id);
    const failures = async () =>
      (await pool.rows("complete")).map(({ callback }) => callback!.attempts);
    while (Math.max(...(await failures())) < 2) await pool.pass(100);
    expect(await health()).toMatchObject({
      healthy: true,
      callbacks: { owed: { count: 2 }, failing: { count: 0 } },
    });
    while (Math.min(...(await failures())) < 3) await pool.pass(100);
    expect(await health()).toMatchObject({
      healthy: false,
      problems: [
        expect.stringMatching(
          /2 onComplete callbacks .*jobs:act \(2, the last error: .*not allowed yet.*kick/,
        ),
      ],
      callbacks: {
        owed: { count: 2 },
        failing: { count: 2, isAtLeast: false },
      },
    });
  });

  test("tells of an executor that was lost", async () => {
    await pool.enqueue([action("a")]);
    const executor = await pool.startByHand();
    await executor.becomes({ kind: "failed", error: "out of memory" });
    expect(await health()).toMatchObject({
      healthy: false,
      executors: [{ state: "failed" }],
    });
    await pool.drain();
    expect(await health()).toMatchObject({ healthy: true, executors: [] });
  });

  test("counts no further than a page", async () => {
    await pool.setLimit(0);
    await pool.enqueue(
      Array.from({ length: 300 }, (_, index) => action(`${index}`)),
    );
    expect(await health()).toMatchObject({
      backlog: { count: 300, isAtLeast: false },
    });
    for (let n = 0; n < 260; n++) await pool.enqueueOne(action(`one ${n}`));
    const { backlog } = await health();
    expect(backlog).toMatchObject({ isAtLeast: true });
    expect(backlog.count).toBeLessThan(560);
  });
});

describe("health in a mutation that has just enqueued", () => {
  const LATER = 5 * MINUTE;

  test("counts what it enqueued as waiting since now", async () => {
    const found = await pool.run(async (ctx) => {
      await ctx.runMutation(api.lib.enqueue, { ...action("a"), config: {} });
      return await ctx.runQuery(api.pool.health, {});
    });
    expect(found).toMatchObject({
      healthy: true,
      backlog: { count: 1, isAtLeast: false },
      oldestWaitingSince: Date.now(),
    });
    await pool.drain();
    expect(await pool.outcomes()).toHaveProperty("a");
  });

  test("counts it after what was committed before", async () => {
    await pool.enqueue([action("a")], { maxParallelism: 0 });
    const since = Date.now();
    vi.setSystemTime(since + MINUTE);
    const found = await pool.run(async (ctx) => {
      const runAt = Date.now() + LATER;
      for (const item of [action("b"), action("c", { runAt })]) {
        await ctx.runMutation(api.lib.enqueue, { ...item, config: {} });
      }
      return await ctx.runQuery(api.pool.health, {});
    });
    expect(found).toMatchObject({
      backlog: { count: 2, isAtLeast: false },
      oldestWaitingSince: since,
      nextDueAt: since + MINUTE + LATER,
    });
  });
});

describe("kick", () => {
  test("wakes a pool all of whose ticks were canceled by hand", async () => {
    await pool.enqueue([action("a")]);
    await pool.cancelScheduled(TICK);
    await pool.pass(MINUTE);
    expect(await health()).toMatchObject({
      healthy: false,
      problems: [expect.stringContaining("idle")],
    });
    await kick();
    await pool.drain();
    expect(await pool.outcomes()).toHaveProperty("a");
    expect(await health()).toMatchObject({ healthy: true });
  });

  test("recovers a lost executor at once", async () => {
    await pool.enqueue([action("a")]);
    const executor = await pool.startByHand();
    await executor.becomes(null);
    await kick();
    await pool.pass(SECOND);
    expect(await health()).toMatchObject({ healthy: true });
    await pool.drain();
    expect(await pool.outcomes()).toHaveProperty("a");
  });

  test("does a working pool no harm, however often", async () => {
    await pool.enqueue(
      Array.from({ length: 30 }, (_, index) => action(`${index}`)),
      { maxParallelism: 5 },
    );
    for (let n = 0; n < 20; n++) {
      await kick();
      await pool.pass(30);
    }
    await pool.drain();
    const outcomes = Object.values(await pool.outcomes());
    expect(outcomes).toHaveLength(30);
    expect(outcomes.every((each) => each.length === 1)).toBe(true);
    expect(await pool.effects("attempt")).toHaveLength(30);
  });

  test("of an idle pool leaves nothing scheduled", async () => {
    await kick();
    await pool.pass(SECOND);
    expect(await pool.scheduled()).toEqual([]);
    expect((await pool.runStatus()).state).toEqual({ kind: "idle" });
  });
});
