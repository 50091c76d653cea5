/** What actions do to the database. */
import {
  internalMutationGeneric,
  internalQueryGeneric,
  mutationGeneric,
} from "convex/server";
import { v } from "convex/values";
import { count, type MutationCtx } from "./tallies.js";

/** Returns how many there are with this key. */
export const note = internalMutationGeneric({
  args: { key: v.string() },
  returns: v.number(),
  handler: async (ctx: MutationCtx, { key }) => {
    await ctx.db.insert("attempts", { key });
    const all = await ctx.db
      .query("attempts")
      .withIndex("by_key", (q) => q.eq("key", key))
      .collect();
    return all.length;
  },
});

export const openGate = mutationGeneric({
  args: { key: v.string() },
  handler: (ctx: MutationCtx, { key }) => count(ctx, `gate ${key}`),
});

export const isOpen = internalQueryGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    const gate = await ctx.db
      .query("tallies")
      .withIndex("by_name", (q) => q.eq("name", `gate ${key}`))
      .unique();
    return gate !== null;
  },
});

export const nothing = internalMutationGeneric({
  args: {},
  handler: async () => {},
});
