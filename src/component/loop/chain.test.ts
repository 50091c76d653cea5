/** Ticks: which of them count, the chain they make while the pool is busy, and what becomes of it when one is lost. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { job, ProtocolTest, recorded } from "../../testing/protocol.js";
import { internal } from "../_generated/api.js";
import type { MutationCtx } from "../_generated/server.js";
import { type Item, enqueueItems } from "../work/enqueue.js";
import { MINUTE, SECOND } from "../shared.js";
import { wakeForChange } from "../queue/wake.js";

const TICK = "loop/tick:tick";
const WATCH = "loop/watch:watch";

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
const slow = (key: string, ms: number) =>
  job("action", "act", { key, ms }, recorded(key));
const started = async () => (await pool.effects("attempt")).map((e) => e.key);
const state = async () => (await pool.runStatus()).state;
/** Every row the loop has written or may write. */
const everything = async () => ({
  status: await pool.rows("runStatus"),
  state: await pool.rows("loopState"),
  entries: await pool.rows("pendingStart"),
  running: await pool.rows("running"),
  executors: await pool.rows("executor"),
  scheduled: await pool.scheduled(),
});
/** Less than the watchdog takes, so that the watchdog is not what helped. */
const PROMPTLY = 2 * SECOND;

describe("a tick", () => {
  test("of an old generation does nothing, even when there is work", async () => {
    await pool.enqueue([action("first")]);
    await pool.drain();
    const { generation } = await pool.runStatus();
    await pool.enqueue([action("a")]);
    const before = await everything();
    for (const old of [generation - 1n, generation + 1n]) {
      await pool.t.mutation(internal.loop.tick.tick, { generation: old });
    }
    expect(await everything()).toEqual(before);
  });

  test("that comes second starts nothing twice", async () => {
    await pool.enqueue([action("a"), action("b")]);
    await pool.tick();
    const before = await everything();
    await pool.tick();
    expect(await everything()).toEqual(before);
    expect(before.executors).toHaveLength(1);
  });

  test("that would take over a loop which is alive does nothing", async () => {
    await pool.enqueue([action("a")]);
    await pool.tick();
    const { generation } = await pool.runStatus();
    await pool.enqueue([action("b")]);
    const before = await everything();
    await pool.t.mutation(internal.loop.tick.tick, {
      generation,
      takeover: true,
    });
    expect(await everything()).toEqual(before);
  });
});

test("a busy pool has one chain, also after its watchdog came", async () => {
  // More than one executor drives for.
  await pool.enqueue(
    Array.from({ length: 20 }, (_, n) => slow(`long ${n}`, 40 * SECOND)),
    { maxParallelism: 50 },
  );
  for (let n = 0; n < 12; n++) {
    await pool.enqueueOne(action(`first ${n}`));
    await pool.pass(10);
  }
  const watchAt = (await pool.loopState()).watch!.at;
  // Often enough for the chain to go on.
  for (let n = 0; Date.now() < watchAt + SECOND; n++) {
    await pool.enqueueOne(action(`next ${n}`));
    await pool.pass(180);
  }
  expect(await state()).toEqual({ kind: "running" });
  expect((await pool.loopState()).watch!.at).toBeGreaterThan(watchAt);
  expect(await pool.scheduled(TICK)).toHaveLength(1);
  await pool.drain();
});

describe("a chain that was lost", () => {
  /** A busy pool: an executor the test plays, and the chain is running. */
  async function busy() {
    vi.setSystemTime(Math.ceil(Date.now() / SECOND) * SECOND);
    // Two who enqueue at the same time: more may follow, so a chain begins.
    await pool.enqueue([action("a")], { maxParallelism: 4 });
    await pool.enqueue([action("b")]);
    const executor = await pool.startByHand();
    expect(await state()).toEqual({ kind: "running" });
    return executor;
  }

  test("while running is taken up by the watchdog within 15 seconds", async () => {
    await busy();
    await pool.cancelScheduled(TICK);
    await pool.enqueue([action("waiting")]);
    await pool.pass(10 * SECOND);
    expect(await pool.rows("pendingStart")).toHaveLength(1);
    await pool.pass(5 * SECOND);
    expect(await pool.rows("pendingStart")).toEqual([]);
    await pool.enqueue([action("after")]);
    await pool.pass(PROMPTLY);
    expect(await pool.rows("pendingStart")).toEqual([]);
  });

  test("with its watchdog is taken over by the next enqueue after its time", async () => {
    await pool.enqueue([slow("a", 90 * SECOND), action("waiting")], {
      maxParallelism: 1,
    });
    await pool.pass(SECOND);
    const generation = (await pool.runStatus()).generation;
    await pool.cancelScheduled(TICK);
    expect(await pool.cancelScheduled(WATCH)).toBe(1);
    await pool.pass(61 * SECOND);
    expect((await pool.runStatus()).generation).toBe(generation);

    await pool.enqueue([action("late")]);
    await pool.pass(SECOND);
    expect((await pool.runStatus()).generation).toBeGreaterThan(generation);
    await pool.drain();
    expect((await started()).sort()).toEqual(["a", "late", "waiting"]);
  });

  test("with its watchdog is taken over by the next report after its time", async () => {
    await pool.enqueue([slow("a", 90 * SECOND), action("waiting")], {
      maxParallelism: 1,
    });
    await pool.pass(SECOND);
    await pool.cancelScheduled(TICK);
    expect(await pool.cancelScheduled(WATCH)).toBe(1);
    await pool.drain();
    expect(await started()).toEqual(["a", "waiting"]);
  });

  test("while it waited for later work is found by the watchdog after the due time", async () => {
    const runAt = Date.now() + 5 * MINUTE;
    await pool.enqueue([action("a", { runAt })]);
    await pool.pass(SECOND);
    expect(await pool.cancelScheduled(TICK)).toBe(1);
    await pool.pass(5 * MINUTE + 20 * SECOND);
    expect(await started()).toEqual(["a"]);
    await pool.drain();
  });
});

describe("inside a scheduled function that was canceled,", () => {
  /** What such a function schedules is inserted already canceled. */
  const canceled = (ctx: MutationCtx): MutationCtx => ({
    ...ctx,
    scheduler: {
      ...ctx.scheduler,
      runAfter: async (...args: any[]) => {
        const id = await (ctx.scheduler.runAfter as any)(...args);
        await ctx.scheduler.cancel(id);
        return id;
      },
    },
  });

  test("enqueue throws, and leaves nothing", async () => {
    const refused = pool.run(async (ctx) => {
      await enqueueItems(canceled(ctx), {}, [action("a"), action("b")]);
    });
    await expect(refused).rejects.toThrow(/was canceled/);
    for (const table of ["work", "pendingStart", "config"] as const) {
      expect(await pool.rows(table)).toEqual([]);
    }
  });

  test("a change of settings throws", async () => {
    const refused = pool.run((ctx) => wakeForChange(canceled(ctx)));
    await expect(refused).rejects.toThrow(/was canceled/);
  });
});

test("a tick that never makes progress is slowed down, and says so", async () => {
  await pool.enqueue([action("a")]);
  await pool.tick();
  await pool.run(async (ctx) => {
    const [row] = await ctx.db.query("loopState").collect();
    await ctx.db.patch("loopState", row!._id, {
      reschedules: { since: Date.now(), count: 10_000 },
      // As if work had moved just now: the chain goes on.
      lastWorkAt: Date.now(),
    });
    const [status] = await ctx.db.query("runStatus").collect();
    await ctx.db.patch("runStatus", status!._id, {
      state: { kind: "running" },
      validUntil: Date.now() + MINUTE,
    });
  });
  await pool.tick();
  expect(console.error).toHaveBeenCalledWith(
    expect.stringContaining("runaway"),
  );
  const { nextTickAt } = await pool.loopState();
  expect(nextTickAt).toBeGreaterThanOrEqual(Date.now() + SECOND);
});
