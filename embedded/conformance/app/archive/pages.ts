import { mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";

export const add = mutationGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    await ctx.db.insert("pages", { text });
    return null;
  },
});

export const all = queryGeneric({
  args: {},
  handler: async (ctx): Promise<string[]> =>
    (await ctx.db.query("pages").collect()).map(({ text }) => text as string),
});
