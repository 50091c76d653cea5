/** Functions of the user's own, which no pool calls: what a busy pool may keep waiting. */
import { v } from "convex/values";
import { internal, internalMutation, mutation } from "./functions.js";

export const schedule = mutation({
  args: { id: v.number() },
  returns: v.null(),
  handler: async (ctx, { id }) => {
    await ctx.scheduler.runAfter(0, internal.neighbours!.scheduled as any, {
      id,
    });
    return null;
  },
});

export const scheduled = internalMutation({
  args: { id: v.number() },
  returns: v.null(),
  handler: async () => null,
});
