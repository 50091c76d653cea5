/** Many who enqueue into a parked pool at once schedule a tick each: one of them does the work, whatever becomes of it. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { job, ProtocolTest, recorded } from "../../testing/protocol.js";
import { internal } from "../_generated/api.js";
import type { Id } from "../_generated/dataModel.js";
import { HOUR, SECOND } from "../shared.js";

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

const action = (key: string, ms = 0) =>
  job("action", "act", { key, ms }, recorded(key));

type WakeUp = { workId: Id<"work">; run: () => Promise<void> };

/** Enqueues a work, and takes its tick out of the scheduler: the test says when it runs. */
async function enqueue(key: string, inMs?: number): Promise<WakeUp> {
  const due = inMs === undefined ? {} : { runAt: Date.now() + inMs };
  const workId = await pool.enqueueOne({ ...action(key), ...due });
  const row = await pool.run(async (ctx) => {
    const [entry] = await ctx.db.query("pendingStart").order("desc").take(1);
    const { scheduledId } = entry!.wakeUp!;
    const tick = await ctx.db.system.get("_scheduled_functions", scheduledId);
    return { id: scheduledId, args: tick!.args[0] as any };
  });
  return {
    workId,
    run: async () => {
      await pool.t.mutation(internal.loop.tick.tick, row.args);
      await pool.run(async (ctx) => await ctx.db.delete(row.id as any));
    },
  };
}
const waiting = async () =>
  (await pool.rows("pendingStart")).flatMap(({ works }) => works);
/** Every row that a tick may write. */
const everything = async () => ({
  status: await pool.rows("runStatus"),
  state: await pool.rows("loopState"),
  entries: await pool.rows("pendingStart"),
  executors: await pool.rows("executor"),
});

const parked = [
  { state: "new", prepare: async () => {} },
  {
    state: "idle",
    prepare: async () => {
      await pool.enqueue([action("before")]);
      await pool.drain();
    },
  },
  {
    state: "waiting for later work",
    prepare: async () => {
      await pool.enqueue([
        { ...action("later"), runAt: Date.now() + 24 * HOUR },
      ]);
      await pool.pass(SECOND);
    },
  },
];

describe.each(parked)("in a pool that is $state,", ({ prepare }) => {
  let first: WakeUp;
  let second: WakeUp;
  let others: number;
  beforeEach(async () => {
    await prepare();
    others = (await waiting()).length;
    first = await enqueue("first");
    second = await enqueue("second");
  });

  test("the tick of the oldest work starts all", async () => {
    await first.run();
    expect(await waiting()).toHaveLength(others);
    const attempts = (await pool.takeExecutors()).flatMap((hand) =>
      hand.attempts(),
    );
    expect(attempts.map(({ workId }) => workId)).toEqual([
      first.workId,
      second.workId,
    ]);
  });

  test("the others leave it to that one, and write nothing", async () => {
    const before = await everything();
    await second.run();
    expect(await everything()).toEqual(before);
    await first.run();
    expect(await waiting()).toHaveLength(others);
  });

  test("the others find nothing to do after it", async () => {
    await first.run();
    const executors = await pool.rows("executor");
    await second.run();
    expect(await pool.rows("executor")).toEqual(executors);
  });

  test("the oldest work's tick starts the others when its own was canceled", async () => {
    await second.run();
    await pool.cancel(first.workId);
    await first.run();
    expect(await waiting()).toHaveLength(others);
    await pool.pass(2 * SECOND);
    expect(await pool.outcomes()).toMatchObject({
      first: [{ kind: "canceled" }],
      second: [{ kind: "success" }],
    });
  });

  test("nobody counts on a tick that was canceled by hand", async () => {
    const { entries } = await everything();
    const entry = entries.find(({ works }) => works.includes(first.workId));
    await pool.run(
      async (ctx) => await ctx.scheduler.cancel(entry!.wakeUp!.scheduledId),
    );
    await second.run();
    expect(await waiting()).toHaveLength(others);
  });

  test("nobody counts on a tick that does not come", async () => {
    vi.setSystemTime(Date.now() + 6 * SECOND);
    await second.run();
    expect(await waiting()).toHaveLength(others);
  });
});

describe.each(parked)(
  "works due later, added to a pool that is $state,",
  ({ prepare }) => {
    let first: WakeUp;
    let second: WakeUp;
    beforeEach(async () => {
      await prepare();
      first = await enqueue("first", 2 * HOUR);
      // Due before the first: whoever takes note of one must do so of both.
      second = await enqueue("second", HOUR);
    });
    const scheduledFor = async () => (await pool.rows("runStatus"))[0]!.state;

    test("leave it to the tick of the one that came first", async () => {
      const before = await everything();
      await second.run();
      expect(await everything()).toEqual(before);
      await first.run();
      const [entry] = (await pool.rows("pendingStart")).filter(({ works }) =>
        works.includes(second.workId),
      );
      expect(await scheduledFor()).toEqual({
        kind: "scheduled",
        at: entry!.dueAt,
      });
    });

    test("are taken note of by the first one's tick when that one was canceled", async () => {
      await second.run();
      await pool.cancel(first.workId);
      await first.run();
      expect(await scheduledFor()).toMatchObject({ kind: "scheduled" });
    });

    test("do not count on a tick that was canceled by hand", async () => {
      const { entries } = await everything();
      const entry = entries.find(({ works }) => works.includes(first.workId));
      await pool.run(
        async (ctx) => await ctx.scheduler.cancel(entry!.wakeUp!.scheduledId),
      );
      await second.run();
      expect(await scheduledFor()).toMatchObject({ kind: "scheduled" });
    });

    test("do not keep a younger ready work waiting whose tick comes first", async () => {
      const ready = await enqueue("ready");
      await ready.run();
      expect(await waiting()).toContain(ready.workId);
      await first.run();
      expect(await waiting()).not.toContain(ready.workId);
    });
  },
);

test("nobody counts on a tick for a work that went back to the queue without one", async () => {
  const first = await enqueue("first");
  const second = await enqueue("second");
  await pool.run(async (ctx) => {
    const entries = await ctx.db.query("pendingStart").collect();
    const entry = entries.find(({ works }) => works.includes(first.workId));
    await ctx.db.patch("pendingStart", entry!._id, { wakeUp: undefined });
  });
  await second.run();
  expect(await waiting()).toEqual([]);
});

test("works enqueued at once, each on its own, share a few executors and run once each", async () => {
  pool.deploymentClass = "s256";
  const keys = Array.from({ length: 60 }, (_, index) => `k${index}`);
  await Promise.all(
    keys.map((key) =>
      pool.enqueueOne(action(key, 20), { maxParallelism: 120 }),
    ),
  );
  await pool.drain();
  expect(Object.keys(await pool.outcomes()).sort()).toEqual([...keys].sort());
  expect(await pool.effects("attempt")).toHaveLength(keys.length);
  const jobs = await pool.run((ctx) =>
    ctx.db.system.query("_scheduled_functions").collect(),
  );
  const executors = jobs.filter(({ name }) => name === "executor/run:run");
  expect(executors.length).toBeLessThanOrEqual(2);
});
