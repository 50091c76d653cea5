/**
 * What works of the profile `corners` do. Each of hundreds of actions at once is an
 * instance of this module, so it imports as little as it can.
 */
import {
  anyApi,
  internalActionGeneric,
  internalQueryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { childrenFrom, type Spec, vSpec } from "./specs.js";

/** The key and the pool's name are there for whoever watches calls. */
export const cornerArgs = {
  key: v.string(),
  pool: v.string(),
  spec: vSpec,
  padding: v.string(),
};

export function resultOf({ key, fails, resultBytes }: Spec): string {
  if (fails) throw new Error(`${key} fails`);
  return "r".repeat(resultBytes);
}

export const act = internalActionGeneric({
  args: cornerArgs,
  handler: async (ctx, { spec }) => {
    await new Promise((resolve) => setTimeout(resolve, spec.ms));
    const result = resultOf(spec);
    const specs = childrenFrom(spec, "handler");
    // It may be a second attempt, and the first one may have come this far.
    if (specs.length > 0) {
      await ctx.runMutation(anyApi.corners!.submitOnce!, { specs });
    }
    return result;
  },
});

export const read = internalQueryGeneric({
  args: cornerArgs,
  handler: async (ctx, { key, spec }) => {
    await ctx.db
      .query("effects")
      .withIndex("by_key", (q) => q.eq("key", key))
      .first();
    return resultOf(spec);
  },
});
