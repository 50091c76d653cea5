import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JSONObject } from "../../src/storage/types.js";
import {
  createApp,
  deploy,
  deployments,
  type Sources,
  type TestDeployment,
} from "../runtime/harness.js";

const SOURCES: Sources = {
  "jobs.ts": `
    import { query, mutation, action, internalMutation, internalAction, internalQuery } from "./_generated/server";
    import { api, internal } from "./_generated/api";
    import { v } from "convex/values";
    const note = (ctx, text) => ctx.db.insert("notes", { text, at: Date.now() });
    export const notes = query(async (ctx) => (await ctx.db.query("notes").collect()).map((n) => n.text));
    export const times = query(async (ctx) => (await ctx.db.query("notes").collect()).map((n) => n.at));
    export const jobs = query(async (ctx) => await ctx.db.system.query("_scheduled_functions").collect());
    export const job = query({ args: { id: v.id("_scheduled_functions") }, handler: async (ctx, { id }) => await ctx.db.system.get(id) });
    export const write = internalMutation({ args: { text: v.string() }, handler: async (ctx, { text }) => { await note(ctx, text); } });
    export const schedule = mutation({
      args: { fn: v.string(), ms: v.number(), args: v.any() },
      handler: async (ctx, { fn, ms, args }) => await ctx.scheduler.runAfter(ms, "jobs:" + fn, args),
    });
    export const scheduleAt = mutation({
      args: { at: v.number(), text: v.string() },
      handler: async (ctx, { at, text }) => await ctx.scheduler.runAt(at, internal.jobs.write, { text }),
    });
    export const cancel = mutation({ args: { id: v.string() }, handler: async (ctx, { id }) => { await ctx.scheduler.cancel(id); } });
    export const fails = internalMutation(async (ctx) => { await note(ctx, "undone"); throw new Error("job failed"); });
    export const looks = internalQuery(async () => 1);
    export const seesItself = internalMutation(async (ctx) => {
      const { scheduledFunctionId } = await ctx.meta.getRequestMetadata();
      const self = await ctx.db.system.get(scheduledFunctionId);
      await note(ctx, self.state.kind);
    });
    export const cancelsItself = internalMutation(async (ctx) => {
      const { scheduledFunctionId } = await ctx.meta.getRequestMetadata();
      await ctx.scheduler.cancel(scheduledFunctionId);
      await note(ctx, "went on");
    });
    export const works = internalAction({ args: { ms: v.number(), text: v.string() }, handler: async (ctx, { ms, text }) => {
      await ctx.runMutation(internal.jobs.write, { text: "begin " + text });
      await new Promise((resolve) => setTimeout(resolve, ms));
      await ctx.runMutation(internal.jobs.write, { text: "end " + text });
      await ctx.scheduler.runAfter(0, internal.jobs.write, { text: "after " + text });
      await ctx.runMutation(api.jobs.schedule, { fn: "write", ms: 0, args: { text: "through " + text } });
    } });
    export const actionFails = internalAction(async () => { throw new Error("action failed"); });
    export const hot = internalMutation({ args: {}, handler: async (ctx) => {
      const row = await ctx.db.query("hot").first();
      if (row === null) await ctx.db.insert("hot", { n: 1 });
      else await ctx.db.patch(row._id, { n: row.n + 1 });
    } });
    export const hotCount = query(async (ctx) => (await ctx.db.query("hot").first())?.n ?? 0);
    export const scheduleHot = mutation({ args: { n: v.number() }, handler: async (ctx, { n }) => {
      for (let i = 0; i < n; i++) await ctx.scheduler.runAfter(0, internal.jobs.hot, {});
    } });
    export const scheduleThenThrow = mutation(async (ctx) => {
      await ctx.scheduler.runAfter(0, internal.jobs.write, { text: "never" });
      throw new Error("rolled back");
    });
    export const scheduleNonsense = mutation({ args: { name: v.string(), at: v.optional(v.number()) }, handler: async (ctx, { name, at }) => {
      try { await ctx.scheduler.runAt(at ?? 0, name, {}); } catch (e) { return e.message; }
    } });
    export const chain = internalMutation({ args: { left: v.number() }, handler: async (ctx, { left }) => {
      await note(ctx, "link");
      if (left > 0) await ctx.scheduler.runAfter(100, internal.jobs.chain, { left: left - 1 });
    } });
    export const cancelNonsense = mutation(async (ctx) => {
      const other = await ctx.db.insert("notes", { text: "x" });
      try { await ctx.scheduler.cancel(other); } catch (e) { return e.message; }
    });
  `,
};
const start = deployments(SOURCES);

interface JobRow {
  _id: string;
  name: string;
  state: { kind: string; error?: string };
  scheduledTime: number;
  completedTime?: number;
}
const schedule = async (
  t: TestDeployment,
  fn: string,
  args: JSONObject = {},
  ms = 0,
) => (await t.mutation("jobs:schedule", { fn, ms, args })) as string;
const job = async (t: TestDeployment, id: string) =>
  (await t.query("jobs:job", { id })) as unknown as JobRow | null;
const stateOf = async (t: TestDeployment, id: string) =>
  (await job(t, id))?.state;
const notes = async (t: TestDeployment) =>
  (await t.query("jobs:notes")) as string[];

describe("a scheduled mutation", () => {
  test("runs once, at its time, and its row tells the story", async () => {
    const t = await start();
    const before = t.clock.now();
    const id = await schedule(t, "write", { text: "hello" }, 5_000);
    expect(await job(t, id)).toEqual({
      _id: id,
      _creationTime: expect.any(Number),
      name: "jobs.js:write",
      args: [{ text: "hello" }],
      state: { kind: "pending" },
      scheduledTime: before + 5_000,
    });
    await t.finish();
    expect(await job(t, id)).toMatchObject({
      state: { kind: "success" },
      completedTime: before + 5_000,
    });
    expect(await notes(t)).toEqual(["hello"]);
  });

  test("does not exist when its scheduler rolls back", async () => {
    const t = await start();
    await t.mutation("jobs:scheduleThenThrow").catch(() => null);
    await t.finish();
    expect(await notes(t)).toEqual([]);
    expect(await t.query("jobs:jobs")).toEqual([]);
  });

  test("that throws is failed, keeps no writes and is not tried again", async () => {
    const t = await start();
    const id = await schedule(t, "fails");
    await t.finish();
    expect(await stateOf(t, id)).toEqual({
      kind: "failed",
      error: expect.stringMatching(
        /^Uncaught Error: job failed\n {4}at .*jobs\.ts/,
      ),
    });
    expect(await notes(t)).toEqual([]);
    expect(t.runtime.stats()["|jobs:fails"]!.calls).toBe(1);
  });

  test("has its arguments checked when it runs, not before", async () => {
    const t = await start();
    const id = await schedule(t, "write", { text: 5 });
    await t.finish();
    expect(await stateOf(t, id)).toMatchObject({
      kind: "failed",
      error: expect.stringMatching(/^ArgumentValidationError: /),
    });
  });

  test("sees itself in progress, and cannot cancel itself", async () => {
    const t = await start();
    await schedule(t, "seesItself");
    const id = await schedule(t, "cancelsItself");
    await t.finish();
    expect(await notes(t)).toEqual(["inProgress", "went on"]);
    expect(await stateOf(t, id)).toEqual({ kind: "success" });
  });

  test("retries conflicts for as long as it takes", async () => {
    const t = await start();
    await t.mutation("jobs:scheduleHot", { n: 30 });
    await t.finish();
    expect(await t.query("jobs:hotCount")).toBe(30);
    expect(t.runtime.stats()["|jobs:hot"]!.conflicts).toBeGreaterThan(5);
    expect(
      ((await t.query("jobs:jobs")) as unknown as JobRow[]).every(
        (j) => j.state.kind === "success",
      ),
    ).toBe(true);
  });

  test("may schedule the next one", async () => {
    const t = await start();
    await schedule(t, "chain", { left: 4 });
    await t.finish();
    expect(await notes(t)).toHaveLength(5);
    const times = (await t.query("jobs:times")) as number[];
    expect(times.at(-1)! - times[0]!).toBe(400);
  });
});

describe("a scheduled action", () => {
  test("is in progress while it runs, then done", async () => {
    const t = await start();
    const id = await schedule(t, "works", { ms: 1000, text: "a" });
    await t.clock.advance(500);
    expect(await stateOf(t, id)).toEqual({ kind: "inProgress" });
    await t.finish();
    expect(await stateOf(t, id)).toEqual({ kind: "success" });
    expect((await notes(t)).sort()).toEqual([
      "after a",
      "begin a",
      "end a",
      "through a",
    ]);
  });

  test("that throws is failed and not tried again", async () => {
    const t = await start();
    const id = await schedule(t, "actionFails");
    await t.finish();
    expect(await stateOf(t, id)).toMatchObject({
      kind: "failed",
      error: expect.stringContaining("Uncaught Error: action failed"),
    });
    expect(t.runtime.stats()["|jobs:actionFails"]!.calls).toBe(1);
  });
});

describe("order and slots", () => {
  test("jobs start in the order of their time, whenever they were scheduled", async () => {
    const t = await start();
    const now = t.clock.now();
    for (const [text, ms] of [
      ["late", 300],
      ["early", 100],
      ["middle", 200],
      ["past", -1000],
    ] as const) {
      await t.mutation("jobs:scheduleAt", { at: now + ms, text });
    }
    await t.finish();
    expect(await notes(t)).toEqual(["past", "early", "middle", "late"]);
  });

  test("no more run at once than there are slots; the rest follow as slots free", async () => {
    const t = await start({ deploymentClass: "S16" });
    for (let i = 0; i < 20; i++)
      await schedule(t, "works", { ms: 1000, text: `${i}` });
    await t.clock.advance(500);
    const inProgress = (
      (await t.query("jobs:jobs")) as unknown as JobRow[]
    ).filter((j) => j.state.kind === "inProgress");
    expect(inProgress).toHaveLength(8);
    await t.finish();
    expect(
      (await notes(t)).filter((text) => text.startsWith("end")),
    ).toHaveLength(20);
  });

  test("more jobs than are read ahead are all run", async () => {
    const t = await start({
      limits: { userTimeMs: null, concurrency: { scheduledJobs: 3 } },
    });
    for (let i = 0; i < 200; i++)
      await schedule(t, "write", { text: `${i}` }, 1000 + (i % 7));
    await t.finish();
    expect(await notes(t)).toHaveLength(200);
  });

  test("an idle scheduler does nothing", async () => {
    const t = await start();
    await schedule(t, "write", { text: "once" });
    await t.finish();
    expect(t.clock.pendingTimers).toBe(0);
  });
});

describe("canceling", () => {
  test("a pending job keeps it from running", async () => {
    const t = await start();
    const id = await schedule(t, "write", { text: "x" }, 1000);
    await t.mutation("jobs:cancel", { id });
    await t.finish();
    expect(await stateOf(t, id)).toEqual({ kind: "canceled" });
    expect(await notes(t)).toEqual([]);
  });

  test("a finished job changes nothing", async () => {
    const t = await start();
    const id = await schedule(t, "write", { text: "x" });
    await t.finish();
    await t.mutation("jobs:cancel", { id });
    expect(await stateOf(t, id)).toEqual({ kind: "success" });
  });

  test("a running action does not interrupt it, but what it schedules is canceled from the start", async () => {
    const t = await start();
    const id = await schedule(t, "works", { ms: 1000, text: "a" });
    await t.clock.advance(500);
    await t.mutation("jobs:cancel", { id });
    expect(await stateOf(t, id)).toEqual({ kind: "canceled" });
    await t.finish();
    expect(await notes(t)).toEqual(["begin a", "end a"]);
    expect(await stateOf(t, id)).toEqual({ kind: "canceled" });
    const rows = (await t.query("jobs:jobs")) as unknown as JobRow[];
    expect(rows.map((j) => j.state.kind)).toEqual([
      "canceled",
      "canceled",
      "canceled",
    ]);
    expect(rows[1]).toMatchObject({ completedTime: rows[1]!.scheduledTime });
  });

  test("needs the id of a scheduled function", async () => {
    const t = await start();
    expect(await t.mutation("jobs:cancelNonsense")).toContain(
      "Invalid scheduled function ID. The ID must be an ID on the '_scheduled_functions' table.",
    );
  });
});

describe("what cannot be scheduled", () => {
  test("is refused at once: functions that do not exist, times too far away", async () => {
    const t = await start();
    const refused = (name: string, at?: number) =>
      t.mutation("jobs:scheduleNonsense", {
        name,
        ...(at === undefined ? {} : { at }),
      });
    const now = t.clock.now();
    expect(await refused("nowhere:fn", now)).toBe(
      "Attempted to schedule function at nonexistent path: nowhere.js",
    );
    expect(await refused("jobs:nothing", now)).toContain(
      "no exported function nothing found in the file: jobs.js",
    );
    const year = 366 * 24 * 3600 * 1000;
    expect(await refused("jobs:write", now + 6 * year)).toContain(
      "is more than 5 years in the future",
    );
    expect(await refused("jobs:write", now - 6 * year)).toContain(
      "is more than 5 years in the past",
    );
  });

  test("is failed when its time comes: queries, and functions that are gone", async () => {
    const t = await start();
    const query = await schedule(t, "looks");
    const gone = await schedule(t, "write", { text: "x" }, 1000);
    await t.clock.advance(10);
    delete t.app.definitions[""]!.functions["jobs:write"];
    await t.finish();
    expect(await stateOf(t, query)).toMatchObject({
      kind: "failed",
      error: expect.stringContaining(
        "Only Mutation and Action can be scheduled",
      ),
    });
    expect(await stateOf(t, gone)).toMatchObject({ kind: "failed" });
  });
});

describe("retention", () => {
  test("finished jobs are forgotten after a week, pending ones never", async () => {
    const t = await start();
    const done = await schedule(t, "write", { text: "old" });
    const pending = await schedule(
      t,
      "write",
      { text: "far" },
      300 * 24 * 3600 * 1000,
    );
    await t.clock.advance(8 * 24 * 3600 * 1000);
    // Cleaning goes along with the scheduler's work.
    await schedule(t, "write", { text: "new" });
    await t.clock.advance(1000);
    expect(await job(t, done)).toBeNull();
    expect(await stateOf(t, pending)).toEqual({ kind: "pending" });
  });
});

describe("outcomes of clients' sessions", () => {
  test("are forgotten after a week as well", async () => {
    const t = await start();
    const send = async () =>
      (
        await t.settle(
          t.runtime.runner.mutation({
            address: { component: "", name: "jobs:schedule" },
            args: { fn: "write", ms: 0, args: { text: "sent" } },
            caller: { kind: "client" },
            session: { sessionId: "s", requestId: 1 },
          }),
        )
      ).ts;
    const first = await send();
    expect(await send()).toBe(first);
    await t.clock.advance(8 * 24 * 3600 * 1000);
    await schedule(t, "write", { text: "activity" });
    await t.clock.advance(1000);
    expect(await send()).toBeGreaterThan(first);
  });
});

describe("after a restart", () => {
  test("pending jobs run, and an action that was running is failed, never run again", async () => {
    const dir = await mkdtemp(join(tmpdir(), "embedded-scheduler-"));
    try {
      const app = await createApp({ sources: SOURCES });
      const first = await deploy(app, { dir });
      const running = await schedule(first, "works", {
        ms: 60_000,
        text: "interrupted",
      });
      const pending = await schedule(
        first,
        "write",
        { text: "survives" },
        5_000,
      );
      await first.clock.advance(1_000);
      expect(await stateOf(first, running)).toEqual({ kind: "inProgress" });
      first.close();

      const second = await deploy(app, { dir, clock: first.clock, seed: 8 });
      await second.finish();
      expect(await stateOf(second, running)).toEqual({
        kind: "failed",
        error: "Transient error while executing action",
      });
      expect(await stateOf(second, pending)).toEqual({ kind: "success" });
      expect(await notes(second)).toEqual(["begin interrupted", "survives"]);
      second.close();
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
