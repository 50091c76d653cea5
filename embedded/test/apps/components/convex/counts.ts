import {
  componentsGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";

const components = componentsGeneric() as any;
const which = v.union(v.literal("ones"), v.literal("tens"));

export const increment = mutationGeneric({
  args: { which, name: v.string() },
  handler: (ctx, { which, name }): Promise<number> =>
    ctx.runMutation(components[which].counts.increment, { name }),
});

export const get = queryGeneric({
  args: { which, name: v.string() },
  handler: (ctx, { which, name }): Promise<number | null> =>
    ctx.runQuery(components[which].counts.get, { name }),
});

export const environment = queryGeneric({
  args: { which },
  handler: (ctx, { which }): Promise<unknown> =>
    ctx.runQuery(components[which].counts.environment, {}),
});

export const hidden = queryGeneric({
  args: {},
  handler: (ctx): Promise<string> =>
    ctx.runQuery(components.ones.counts.hidden, {}),
});

/** Increments, then fails: neither component may keep anything. */
export const incrementAndFail = mutationGeneric({
  args: { name: v.string() },
  handler: async (ctx, { name }) => {
    await ctx.runMutation(components.ones.counts.increment, { name });
    await ctx.runMutation(components.tens.counts.increment, { name });
    throw new Error("all or nothing");
  },
});
