/** Actions that wait at a gate of the case that calls them. */
import { actionGeneric, anyApi } from "convex/server";
import { v } from "convex/values";

const { put } = anyApi.actions as any;

/** Waits, writes, and tells that it has written. */
export const waitAndPut = actionGeneric({
  args: { url: v.string(), key: v.string() },
  handler: async (ctx, { url, key }) => {
    await fetch(url);
    await ctx.runMutation(put, { key, value: "done" });
    await fetch(`${url}-done`);
    return null;
  },
});
