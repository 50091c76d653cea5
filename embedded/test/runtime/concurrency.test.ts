import { describe, expect, test } from "vitest";
import { deployments, type TestDeployment } from "./harness.js";

const start = deployments({
  "con.ts": `
    import { query, mutation, action } from "./_generated/server";
    import { api } from "./_generated/api";
    import { v } from "convex/values";
    export const steps = mutation({ args: { name: v.string(), count: v.number() }, handler: async (ctx, { name, count }) => {
      for (let i = 0; i < count; i++) { console.log(name + i); await ctx.db.insert("rows", { name, i }); }
    } });
    export const nothing = query(async () => null);
    export const readsALot = query(async (ctx) => {
      for (let i = 0; i < 40; i++) { await ctx.db.query("rows").first(); if (i % 10 === 9) console.log("read " + i); }
    });
    export const looks = query({
      args: { name: v.string() },
      handler: async (ctx, { name }) => {
        for (let i = 0; i < 3; i++) {
          console.log(name + i);
          await ctx.runQuery(api.con.nothing, {});
        }
      },
    });
    export const sleeps = action({ args: { name: v.string() }, handler: async (_ctx, { name }) => {
      console.log("start " + name);
      await new Promise((resolve) => setTimeout(resolve, 3000));
      console.log("end " + name);
    } });
    export const nests = action(async (ctx) => {
      try { await ctx.runAction(api.con.sleeps, { name: "inner" }); } catch (e) { return e.message; }
    });
    export const draws = mutation({ args: { name: v.string() }, handler: async (ctx, { name }) => {
      const rows = await ctx.db.query("rows").take(3);
      console.log(name + " " + Math.random() + " " + Date.now());
      await ctx.db.insert("rows", { name, seen: rows.length });
    } });
  `,
});

const call = (name: string, args = {}) => ({
  address: { component: "", name: `con:${name}` },
  args,
  caller: { kind: "client" } as const,
});
const messages = (t: TestDeployment) =>
  t.logs.map((line) => line.message.slice(1, -1));

describe("functions that run at the same time", () => {
  test("take turns at every call", async () => {
    const t = await start();
    const { runner } = t.runtime;
    await t.settle(
      Promise.all([
        runner.query(call("looks", { name: "a" })),
        runner.query(call("looks", { name: "b" })),
      ]),
    );
    expect(messages(t)).toEqual(["a0", "b0", "a1", "b1", "a2", "b2"]);
  });

  test("let others have a turn in the middle of many reads", async () => {
    const t = await start();
    const { runner } = t.runtime;
    await t.settle(
      Promise.all([
        runner.query(call("readsALot")),
        runner.query(call("readsALot")),
      ]),
    );
    const seen = messages(t);
    expect(seen.lastIndexOf("read 9")).toBeLessThan(seen.indexOf("read 39"));
  });

  test("take the same turns for the same seed", async () => {
    const trace = async () => {
      const t = await start({ seed: 42, latency: { mutationOpenMs: 3 } });
      const { runner } = t.runtime;
      await t.settle(
        Promise.all(
          ["a", "b", "c", "d"].map((name) =>
            runner.mutation(call("draws", { name })),
          ),
        ),
      );
      return [messages(t), t.runtime.stats(), t.clock.now()];
    };
    const first = await trace();
    expect(await trace()).toEqual(first);
  });

  test("are at most as many as the class allows; the others wait, first come, first served", async () => {
    const t = await start({
      limits: { userTimeMs: null, concurrency: { actions: 2 } },
    });
    const { runner } = t.runtime;
    const outcomes = await t.settle(
      Promise.all(
        ["a", "b", "c"].map((name) => runner.action(call("sleeps", { name }))),
      ),
    );
    expect(outcomes.map((o) => o.ok)).toEqual([true, true, true]);
    expect(messages(t)).toEqual([
      "start a",
      "start b",
      "end a",
      "end b",
      "start c",
      "end c",
    ]);
  });

  test("are refused when they waited too long", async () => {
    const t = await start({
      limits: {
        userTimeMs: null,
        actionPermitWaitMs: 1000,
        concurrency: { actions: 1 },
      },
    });
    const { runner } = t.runtime;
    const [first, second] = await t.settle(
      Promise.all(
        ["a", "b"].map((name) => runner.action(call("sleeps", { name }))),
      ),
    );
    expect(first!.ok).toBe(true);
    expect(second).toMatchObject({
      ok: false,
      system: true,
      code: "TooManyConcurrentRequests",
      message: expect.stringContaining("limited to 1 concurrent actions"),
    });
    expect(await t.action("con:nests")).toContain(
      "Too many concurrent requests",
    );
  });
});

describe("artificial latency", () => {
  test("is waited for where it is asked for, and nowhere else", async () => {
    const t = await start({
      latency: {
        mutationBeforeBeginMs: 3,
        mutationOpenMs: 10,
        mutationAfterCommitMs: 2,
        queryMs: 5,
      },
    });
    const before = t.clock.now();
    await t.mutation("con:steps", { name: "x", count: 1 });
    expect(t.clock.now() - before).toBe(15);
    const plain = await start();
    const start2 = plain.clock.now();
    await plain.mutation("con:steps", { name: "x", count: 1 });
    expect(plain.clock.now()).toBe(start2);
  });
});
