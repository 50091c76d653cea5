import { queryGeneric, internalMutationGeneric } from "convex/server";
import { v } from "convex/values";

export const read = queryGeneric({
  args: { about: v.string() },
  handler: async (ctx, { about }): Promise<unknown[]> =>
    (
      await ctx.db
        .query("diary")
        .withIndex("by_about", (q) => q.eq("about", about))
        .collect()
    ).map(({ entry }) => entry as unknown),
});

export const write = internalMutationGeneric({
  args: { about: v.string(), entry: v.any() },
  handler: async (ctx, row) => {
    await ctx.db.insert("diary", row);
    return null;
  },
});
