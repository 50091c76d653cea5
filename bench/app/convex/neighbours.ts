/** Functions of the user's own, which no pool calls: what a busy pool may keep waiting. They do nothing. */
import { v } from "convex/values";
import {
  httpAction,
  internal,
  internalMutation,
  internalQuery,
  mutation,
} from "./functions.js";

export const empty = mutation({
  args: {},
  returns: v.null(),
  handler: async () => null,
});

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

/** It asks a query, so that it takes time: an action's own code takes none here. */
export const request = httpAction(async (ctx) => {
  await ctx.runQuery(internal.neighbours!.nothing as any, {});
  return new Response(null, { status: 204 });
});

export const nothing = internalQuery({
  args: {},
  returns: v.null(),
  handler: async () => null,
});
