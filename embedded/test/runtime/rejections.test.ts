import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { deployments, failure } from "./harness.js";

const start = deployments({
  "reject.ts": `
    import { query, mutation, action } from "./_generated/server";
    import { api } from "./_generated/api";
    import { v } from "convex/values";
    export const fails = mutation(async () => { throw new Error("nobody listens"); });
    export const texts = query(async (ctx) => (await ctx.db.query("rows").collect()).length);
    export const forgets = mutation(async (ctx) => {
      await ctx.db.insert("rows", {});
      void ctx.runMutation(api.reject.fails, {});
      return "fine";
    });
    export const forgetsOwn = query(async () => { void Promise.reject(new TypeError("own")); return "fine"; });
    export const handlesLate = mutation(async (ctx) => {
      const failing = ctx.runMutation(api.reject.fails, {});
      const other = ctx.db.insert("rows", {});
      return (await Promise.allSettled([failing, other])).map((r) => r.status);
    });
    export const actionForgets = action({ args: { ms: v.number() }, handler: async (ctx, { ms }) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      void ctx.runMutation(api.reject.fails, {});
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return "fine";
    } });
    export const actionIsCareful = action({ args: { ms: v.number() }, handler: async (ctx, { ms }) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return "fine";
    } });
  `,
});

/** The test runner's own listeners would report what these tests provoke. */
let others: NodeJS.UnhandledRejectionListener[] = [];
beforeEach(() => {
  others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
});
afterEach(() => {
  for (const listener of others) process.on("unhandledRejection", listener);
});

describe("a rejection that nobody handles", () => {
  test("fails the query or mutation, and nothing is committed", async () => {
    const t = await start();
    expect((await failure(t.mutation("reject:forgets"))).message).toMatch(
      /^Uncaught Error: Uncaught Error: nobody listens\n/,
    );
    expect(await t.query("reject:texts")).toBe(0);
    expect((await failure(t.query("reject:forgetsOwn"))).message).toMatch(
      /^Uncaught TypeError: own\n/,
    );
  });

  test("is none when it is handled in time", async () => {
    const t = await start();
    expect(await t.mutation("reject:handlesLate")).toEqual([
      "rejected",
      "fulfilled",
    ]);
  });

  test("fails the action it belongs to, not the ones beside it", async () => {
    const t = await start();
    const run = (fn: string, ms: number) =>
      t.runtime.runner.action({
        address: { component: "", name: `reject:${fn}` },
        args: { ms },
        caller: { kind: "client" },
      });
    const outcomes = await t.settle(
      Promise.all([
        run("actionIsCareful", 500),
        run("actionForgets", 100),
        run("actionIsCareful", 100),
        run("actionForgets", 300),
      ]),
    );
    expect(outcomes.map((o) => o.ok)).toEqual([true, false, true, false]);
    expect(outcomes[1]).toMatchObject({
      message: expect.stringContaining("nobody listens"),
    });
  });
});
