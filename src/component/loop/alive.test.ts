/** No lost wake-up, no runaway: work that may run starts without outside help, and an idle pool does nothing. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ended, job, ProtocolTest, recorded } from "../../testing/protocol.js";
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

const action = (key: string, changes: Partial<Item> = {}) =>
  job("action", "act", { key }, { ...recorded(key), ...changes });
const slow = (key: string, ms: number) =>
  job("action", "act", { key, ms }, recorded(key));
const started = async () => (await pool.effects("attempt")).map((e) => e.key);
const state = async () => (await pool.runStatus()).state;
/** Less than the guard takes, so that the guard is not what helped. */
const PROMPTLY = 2 * SECOND;

describe("in a pool that is idle,", () => {
  beforeEach(async () => {
    await pool.enqueue([action("before")]);
    await pool.drain();
    expect(await state()).toEqual({ kind: "idle" });
  });

  test("new work starts promptly", async () => {
    await pool.enqueue([action("a")]);
    await pool.pass(PROMPTLY);
    expect(await started()).toContain("a");
  });

  test("later work starts when it is due, not before", async () => {
    await pool.enqueue([action("a", { runAt: Date.now() + 5 * MINUTE })]);
    await pool.pass(5 * MINUTE - 1);
    expect(await started()).not.toContain("a");
    await pool.pass(PROMPTLY);
    expect(await started()).toContain("a");
  });

  test("a retry starts when its backoff is over", async () => {
    const retryBehavior = { maxAttempts: 2, initialBackoffMs: 500, base: 2 };
    await pool.enqueue([
      job("action", "act", { key: "a", failures: 1 }, { retryBehavior }),
    ]);
    await pool.pass(PROMPTLY);
    expect(await started()).toEqual(["before", "a", "a"]);
  });

  test("work due at a fraction of a millisecond starts then, too", async () => {
    await pool.enqueue([action("a", { runAt: Date.now() + 1000.4 })]);
    await pool.pass(PROMPTLY);
    expect(await started()).toContain("a");
  });

  test("nothing happens: an hour makes no calls", async () => {
    const before = await pool.run((ctx) =>
      ctx.db.system.query("_scheduled_functions").collect(),
    );
    await pool.pass(HOUR);
    const after = await pool.run((ctx) =>
      ctx.db.system.query("_scheduled_functions").collect(),
    );
    expect(after).toEqual(before);
    expect(await pool.unfinished()).toEqual([]);
  });

  test("nothing needs a guard", async () => {
    expect(await pool.runStatus()).toMatchObject({ validUntil: null });
    expect(await pool.loopState()).toMatchObject({ watch: null });
  });
});

describe("in a pool that waits for later work,", () => {
  beforeEach(async () => {
    await pool.enqueue([action("later", { runAt: Date.now() + HOUR })]);
    await pool.pass(SECOND);
    expect(await state()).toMatchObject({ kind: "scheduled" });
  });

  test("work that may run now starts promptly", async () => {
    await pool.enqueue([action("a")]);
    await pool.pass(PROMPTLY);
    expect(await started()).toEqual(["a"]);
  });

  test("earlier work starts when it is due, and the later one too", async () => {
    await pool.enqueue([action("a", { runAt: Date.now() + MINUTE })]);
    await pool.pass(MINUTE + PROMPTLY);
    expect(await started()).toEqual(["a"]);
    await pool.pass(HOUR);
    expect(await started()).toEqual(["a", "later"]);
  });

  test("a burst of earlier work schedules a tick each, and then none", async () => {
    const runAt = Date.now() + MINUTE;
    await pool.enqueue([action("first", { runAt })]);
    await pool.pass(SECOND);
    const before = await pool.scheduled(TICK);
    await pool.enqueue([action("second", { runAt: runAt + 1 })]);
    expect(await pool.scheduled(TICK)).toEqual(before);
    await pool.pass(2 * MINUTE);
    expect(await started()).toEqual(["first", "second"]);
  });

  test("no calls are made until then", async () => {
    const before = await pool.run((ctx) =>
      ctx.db.system.query("_scheduled_functions").collect(),
    );
    await pool.pass(30 * MINUTE);
    const after = await pool.run((ctx) =>
      ctx.db.system.query("_scheduled_functions").collect(),
    );
    expect(after).toHaveLength(before.length);
  });

  test("canceling the work lets the pool become idle", async () => {
    const [work] = await pool.liveWorks();
    await pool.cancel(work!._id);
    await pool.pass(PROMPTLY);
    expect(await state()).toEqual({ kind: "idle" });
    await pool.pass(2 * HOUR);
    expect(await started()).toEqual([]);
  });
});

describe("in a pool without room,", () => {
  test("work starts promptly when other work ends", async () => {
    const executor = await saturate();
    const [attempt] = executor.held.values();
    // Within the very report that frees the slot.
    expect((await executor.report([ended(attempt!)])).next).toHaveLength(1);
  });

  test("a slot that became free while another was filled is filled promptly, too", async () => {
    await pool.enqueue(
      ["a", "b", "c", "d"].map((key) => action(key)),
      { maxParallelism: 2 },
    );
    const executor = await pool.startByHand();
    await executor.report();
    await pool.pass(SECOND);
    const [a, b] = executor.held.values();
    expect((await executor.report([ended(a!)])).next).toHaveLength(1);
    expect((await executor.report([ended(b!)])).next).toHaveLength(1);
  });

  test("work starts promptly when what was to run before it is canceled", async () => {
    const [, canceled] = await pool.enqueue(
      [action("a"), action("b"), action("c")],
      { maxParallelism: 1 },
    );
    const executor = await pool.startByHand();
    // It runs a; b is handed over ahead, c waits.
    await executor.report([], { worksPerSlot: 2, want: 0 });
    await pool.tick();
    await pool.cancel(canceled!);
    const [a] = executor.attempts();
    expect((await executor.report([ended(a!)])).next).toEqual([]);
    await pool.pass(PROMPTLY);
    expect((await executor.report()).next).toHaveLength(1);
  });

  test("work starts promptly when what was beyond a lowered limit has ended", async () => {
    await pool.enqueue(
      Array.from({ length: 30 }, (_, n) => action(`k${n}`)),
      { maxParallelism: 16 },
    );
    await pool.tick();
    const [first, second] = await pool.takeExecutors();
    await first!.report();
    await second!.report();
    await pool.setLimit(8);
    await pool.pass(SECOND);
    for (const executor of [second!, first!]) {
      const attempts = [...executor.held.values()].slice(0, 7);
      await executor.report(attempts.map((attempt) => ended(attempt)));
      await pool.pass(1);
    }
    await first!.report();
    await second!.report();
    expect(first!.held.size + second!.held.size).toBe(8);
  });

  test("work starts promptly when the limit is raised", async () => {
    await saturate();
    await pool.setLimit(5);
    await pool.pass(PROMPTLY);
    expect(await started()).toContain("waiting");
  });

  test("work starts promptly when the executor leaves", async () => {
    const executor = await saturate();
    const [attempt] = executor.held.values();
    await executor.report([ended(attempt!)], { closing: true });
    await pool.pass(PROMPTLY);
    expect(await started()).toContain("waiting");
  });

  test("new work makes no calls: it waits for room", async () => {
    await saturate();
    const before = await pool.scheduled();
    await pool.enqueue([action("more")]);
    expect(await pool.scheduled()).toEqual(before);
  });

  test("a retry that is due starts when there is room again", async () => {
    const retryBehavior = { maxAttempts: 3, initialBackoffMs: 500, base: 2 };
    await pool.enqueue(
      [
        job(
          "action",
          "act",
          { key: "a", failures: 1 },
          { ...recorded("a"), retryBehavior },
        ),
        slow("b", 3 * SECOND),
        slow("c", 3 * SECOND),
      ],
      { maxParallelism: 1 },
    );
    await pool.drain();
    expect(Object.keys(await pool.outcomes()).sort()).toEqual(["a", "b", "c"]);
    expect((await pool.outcomes()).a).toMatchObject([{ kind: "success" }]);
  });

  test("a paused pool makes no calls and starts promptly when resumed", async () => {
    await pool.enqueue([action("a")], { maxParallelism: 0 });
    await pool.pass(MINUTE);
    expect(await state()).toEqual({ kind: "saturated" });
    expect(await pool.unfinished()).toEqual([]);
    await pool.setLimit(1);
    await pool.pass(PROMPTLY);
    expect(await started()).toEqual(["a"]);
  });

  /** One slot, taken by an executor the test plays; another work waits. */
  async function saturate() {
    await pool.enqueue([action("running"), action("waiting")], {
      maxParallelism: 1,
    });
    const executor = await pool.startByHand();
    await executor.report();
    await pool.pass(SECOND);
    expect(await state()).toEqual({ kind: "saturated" });
    return executor;
  }
});
