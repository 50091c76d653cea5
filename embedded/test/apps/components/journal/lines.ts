import { mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";

export const add = mutationGeneric({
  args: { text: v.string() },
  handler: async (ctx, args) => {
    await ctx.db.insert("lines", args);
    return null;
  },
});

export const all = queryGeneric({
  args: {},
  handler: async (ctx) =>
    (await ctx.db.query("lines").collect()).map(({ text }) => text as string),
});
