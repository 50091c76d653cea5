import { describe, expect, test } from "vitest";
import { deployments } from "./harness.js";

const start = deployments({
  sources: {
    "work.ts": `
      import { mutation, action, internalAction, internalMutation } from "./_generated/server";
      import { internal } from "./_generated/api";
      import { v } from "convex/values";
      let calls = 0;
      export const count = mutation(async () => ++calls);
      export const countAfterAwait = mutation(async (ctx) => {
        await ctx.db.insert("rows", {});
        return ++calls;
      });
      export const countRows = mutation(async (ctx) => {
        const rows = await ctx.db.query("rows").collect();
        await ctx.db.insert("rows", {});
        return rows.length;
      });
      export const fails = mutation(async () => { calls++; throw new Error("no"); });
      export const countInAction = action({
        args: { ms: v.number() },
        handler: async (_ctx, { ms }) => {
          await new Promise((resolve) => setTimeout(resolve, ms));
          return [++calls, Date.now()];
        },
      });
      export const callsByTimer = internalAction({
        args: { ms: v.number() },
        handler: (ctx, { ms }) =>
          new Promise((resolve) => {
            setTimeout(() => {
              resolve(ctx.runMutation(internal.work.inner, { text: "t" }));
            }, ms);
          }),
      });
      export const scheduleTimers = mutation({
        args: { ms: v.array(v.number()) },
        handler: (ctx, args) =>
          Promise.all(
            args.ms.map((ms) =>
              ctx.scheduler.runAfter(0, internal.work.callsByTimer, { ms }),
            ),
          ),
      });
      export const leavesTimer = action(async () => {
        setTimeout(() => {}, 60_000);
        return ++calls;
      });
      export const outer = mutation(async (ctx) => {
        await ctx.runMutation(internal.work.inner, { text: "a" });
      });
      export const inner = internalMutation({
        args: { text: v.string() },
        handler: async () => {},
      });
      export const schedule = mutation({
        args: { jobs: v.number() },
        handler: async (ctx, { jobs }) => {
          for (let i = 0; i < jobs; i++) {
            await ctx.scheduler.runAfter(0, internal.work.inner, { text: "s" });
          }
        },
      });
    `,
    "imported.ts": `
      globalThis.evaluations = (globalThis.evaluations ?? 0) + 1;
      export const state = { uses: 0 };
    `,
    "broken.ts": `
      import { mutation } from "./_generated/server";
      import { state } from "./imported";
      const uses = ++state.uses;
      if (new Date().getUTCMinutes() === 1) throw new Error("not yet");
      export const tries = mutation(async () => [globalThis.evaluations, uses]);
    `,
  },
});

describe("an observer", () => {
  test("is told of every function that runs, nested ones included, and of its end", async () => {
    const seen: string[] = [];
    const { mutation } = await start({
      onRun: ({ name }, args) => {
        seen.push(`begin ${name} ${JSON.stringify(args)}`);
        return () => seen.push(`end ${name}`);
      },
    });
    await mutation("work:outer");
    expect(seen).toEqual([
      "begin work:outer {}",
      'begin work:inner {"text":"a"}',
      "end work:inner",
      "end work:outer",
    ]);
  });

  test("is told of actions for as long as they run", async () => {
    const times: number[] = [];
    const { action, clock } = await start({
      onRun: () => {
        times.push(clock.now());
        return () => times.push(clock.now());
      },
    });
    await action("work:countInAction", { ms: 250 });
    expect(times[1]! - times[0]!).toBeCloseTo(250);
  });

  test("is told of the end of a function that fails", async () => {
    let ends = 0;
    const { mutation } = await start({ onRun: () => () => ends++ });
    await expect(mutation("work:fails")).rejects.toThrow("no");
    expect(ends).toBe(1);
  });

  test("can kill an action: it ends there and then", async () => {
    let ends = 0;
    const { action, clock } = await start({
      onRun: ({ name }, _args, { kill }) => {
        if (name === "work:countInAction") {
          clock.schedule(100, () => kill!("out of memory"));
        }
        return () => ends++;
      },
    });
    const begin = clock.now();
    await expect(action("work:countInAction", { ms: 250 })).rejects.toThrow(
      /^out of memory\n$/,
    );
    expect(clock.now() - begin).toBeCloseTo(100);
    expect(ends).toBe(1);
  });

  test("can kill an action before its code is called", async () => {
    const { action } = await start({
      onRun: (_address, _args, { kill }) => {
        kill!("the process ended");
        return null;
      },
    });
    await expect(action("work:leavesTimer")).rejects.toThrow(
      /^the process ended\n$/,
    );
  });

  test("cannot kill a mutation: it commits or it does not", async () => {
    const kills: unknown[] = [];
    const { mutation } = await start({
      onRun: (_address, _args, { kill }) => {
        kills.push(kill);
        return null;
      },
    });
    await mutation("work:outer");
    expect(kills).toEqual([null, null]);
  });
});

describe("an observer of calls", () => {
  test("is told before there is a place for a function to run, and when the call is over", async () => {
    const seen: string[] = [];
    const note = (what: string) => void seen.push(what);
    const { action } = await start({
      limits: { userTimeMs: null, concurrency: { actions: 1 } },
      onCall: (_address, args) => {
        const { ms } = args as { ms: number };
        note(`call ${ms}`);
        return () => note(`over ${ms}`);
      },
      onRun: (_address, args) => {
        note(`begin ${(args as { ms: number }).ms}`);
        return null;
      },
    });
    await Promise.all([
      action("work:countInAction", { ms: 100 }),
      action("work:countInAction", { ms: 200 }),
    ]);
    expect(seen).toEqual([
      "call 100",
      "call 200",
      "begin 100",
      "over 100",
      "begin 200",
      "over 200",
    ]);
  });

  test("is told once of a transaction that has to be tried again, and of none that is nested", async () => {
    const calls: string[] = [];
    const runs: string[] = [];
    const { mutation } = await start({
      latency: { mutationOpenMs: 10 },
      onCall: ({ name }) => {
        calls.push(name);
        return () => calls.push(`${name} is over`);
      },
      onRun: ({ name }) => {
        runs.push(name);
        return null;
      },
    });
    const counts = await Promise.all([
      mutation("work:countRows"),
      mutation("work:countRows"),
    ]);
    expect([...counts].sort()).toEqual([0, 1]);
    expect(runs).toHaveLength(3);
    expect(calls.sort()).toEqual([
      "work:countRows",
      "work:countRows",
      "work:countRows is over",
      "work:countRows is over",
    ]);
    calls.length = 0;
    await mutation("work:outer");
    expect(calls).toEqual(["work:outer", "work:outer is over"]);
  });

  test("is told of the end of a call that fails, and of one that is refused", async () => {
    let ends = 0;
    const { mutation, action, settle } = await start({
      limits: {
        userTimeMs: null,
        concurrency: { actions: 1 },
        actionPermitWaitMs: 50,
      },
      onCall: () => () => ends++,
    });
    await expect(mutation("work:fails")).rejects.toThrow("no");
    expect(ends).toBe(1);
    const all = await settle(
      Promise.allSettled([
        action("work:countInAction", { ms: 200 }),
        action("work:countInAction", { ms: 200 }),
      ]),
    );
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(ends).toBe(3);
  });

  test("learns which scheduled function it happens in", async () => {
    const ids: (string | null)[] = [];
    const { mutation, finish, database } = await start({
      onCall: (_address, _args, scheduledId) => {
        ids.push(scheduledId);
        return null;
      },
    });
    await mutation("work:schedule", { jobs: 1 });
    await finish();
    const scan = database.begin().scan("", {
      table: "_scheduled_functions",
      index: "by_creation_time",
      range: [],
      order: "asc",
    });
    expect(ids).toEqual([null, scan.next()!.value._id]);
  });
});

describe("reused modules", () => {
  test("are those of earlier calls, with what they remember", async () => {
    const { mutation } = await start({ reuseModules: true });
    expect(await mutation("work:count")).toBe(1);
    expect(await mutation("work:count")).toBe(2);
  });

  test("are fresh for every call unless asked for", async () => {
    const { mutation } = await start();
    expect(await mutation("work:count")).toBe(1);
    expect(await mutation("work:count")).toBe(1);
  });

  test("are those of calls that run at the same time, too", async () => {
    const { mutation } = await start({ reuseModules: true });
    const both = [
      mutation("work:countAfterAwait"),
      mutation("work:countAfterAwait"),
    ];
    expect((await Promise.all(both)).sort()).toEqual([1, 2]);
    expect(await mutation("work:countRows")).toBe(2);
  });

  test("tell each call its own time", async () => {
    const { action, clock } = await start({ reuseModules: true });
    const before = clock.now();
    const both = await Promise.all([
      action("work:countInAction", { ms: 20 }),
      action("work:countInAction", { ms: 10 }),
    ]);
    expect(both.map((result) => (result as number[])[0])).toEqual([2, 1]);
    for (const [index, ms] of [20, 10].entries()) {
      const [, now] = both[index] as number[];
      expect(Math.abs(now! - before - ms)).toBeLessThanOrEqual(1);
    }
  });

  test("let a timer call functions for the call that set it", async () => {
    const callers: (string | null)[] = [];
    const { mutation, finish } = await start({
      reuseModules: true,
      onCall: ({ name }, _args, scheduledId) => {
        if (name === "work:inner") callers.push(scheduledId);
        return null;
      },
    });
    const ids = await mutation("work:scheduleTimers", { ms: [20, 10] });
    await finish();
    expect(callers).toEqual((ids as string[]).reverse());
  });

  test("are evaluated anew after they have thrown", async () => {
    const { mutation, clock } = await start({ reuseModules: true });
    await clock.advance(60_000);
    await expect(mutation("broken:tries")).rejects.toThrow("not yet");
    await clock.advance(60_000);
    expect(await mutation("broken:tries")).toEqual([2, 1]);
    expect(await mutation("broken:tries")).toEqual([2, 1]);
  });
});

describe("latency", () => {
  test("keeps a slow mutation open for longer than others", async () => {
    const { mutation, clock } = await start({
      latency: {
        mutationOpenMs: 10,
        slowMutationsMs: { "work:countAfterAwait": 190 },
      },
    });
    const begin = clock.now();
    await mutation("work:count");
    expect(clock.now() - begin).toBeCloseTo(10);
    await mutation("work:countAfterAwait");
    expect(clock.now() - begin).toBeCloseTo(210);
  });

  test("of the scheduler is waited for once: a freed slot is filled at once", async () => {
    const starts: number[] = [];
    const { mutation, clock, finish } = await start({
      latency: { schedulerPickupMs: 20, scheduledStartMs: 8 },
      limits: { userTimeMs: null, concurrency: { scheduledJobs: 1 } },
      onRun: ({ name }) => {
        if (name === "work:inner") starts.push(clock.now());
        return null;
      },
    });
    await mutation("work:schedule", { jobs: 3 });
    const committed = clock.now();
    await finish();
    expect(starts.map((at) => Math.round(at - committed))).toEqual([
      28, 36, 44,
    ]);
  });
});
