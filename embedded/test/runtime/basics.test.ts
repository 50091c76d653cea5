import { describe, expect, test } from "vitest";
import { deployments, type Sources } from "./harness.js";

const SOURCES: Sources = {
  "schema.ts": `
    import { defineSchema, defineTable } from "convex/server";
    import { v } from "convex/values";
    export default defineSchema({
      notes: defineTable({ text: v.string(), rank: v.number() }).index("by_rank", ["rank"]),
    });
  `,
  "notes.ts": `
    import { query, mutation, action, internalMutation } from "./_generated/server";
    import { internal, api } from "./_generated/api";
    import { v } from "convex/values";
    export const add = mutation({
      args: { text: v.string(), rank: v.number() },
      returns: v.id("notes"),
      handler: (ctx, args) => ctx.db.insert("notes", args),
    });
    export const list = query({
      args: {},
      handler: async (ctx) =>
        (await ctx.db.query("notes").withIndex("by_rank").collect()).map((n) => n.text),
    });
    export const addThroughAction = action({
      args: { text: v.string() },
      handler: async (ctx, { text }) => {
        await ctx.runMutation(api.notes.add, { text, rank: 1 });
        return await ctx.runQuery(api.notes.list, {});
      },
    });
    export const addLater = mutation({
      args: { text: v.string() },
      handler: async (ctx, { text }) => {
        await ctx.scheduler.runAfter(1000, internal.notes.addInternal, { text });
      },
    });
    export const addInternal = internalMutation({
      args: { text: v.string() },
      handler: async (ctx, { text }) => { await ctx.db.insert("notes", { text, rank: 9 }); },
    });
  `,
};

const start = deployments(SOURCES);

describe("functions", () => {
  test("a query sees in index order what mutations committed", async () => {
    const t = await start();
    await t.mutation("notes:add", { text: "second", rank: 2 });
    await t.mutation("notes:add", { text: "first", rank: 1 });
    expect(await t.query("notes:list")).toEqual(["first", "second"]);
  });

  test("an action calls mutations and queries, each a transaction of its own", async () => {
    const t = await start();
    expect(await t.action("notes:addThroughAction", { text: "x" })).toEqual([
      "x",
    ]);
  });

  test("a scheduled mutation runs when it is due, not before", async () => {
    const t = await start();
    await t.mutation("notes:addLater", { text: "later" });
    await t.clock.advance(500);
    expect(await t.query("notes:list")).toEqual([]);
    await t.clock.advance(600);
    expect(await t.query("notes:list")).toEqual(["later"]);
  });
});
