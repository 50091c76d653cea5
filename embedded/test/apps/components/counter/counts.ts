import {
  componentsGeneric,
  internalQueryGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";

const components = componentsGeneric() as any;

export const increment = mutationGeneric({
  args: { name: v.string() },
  returns: v.number(),
  handler: async (ctx, { name }) => {
    const step = Number(process.env.STEP);
    await ctx.runMutation(components.journal.lines.add, {
      text: `${name} + ${step}`,
    });
    const existing = await ctx.db
      .query("counters")
      .withIndex("by_name", (q) => q.eq("name", name))
      .unique();
    if (existing === null) {
      await ctx.db.insert("counters", { name, value: step });
      return step;
    }
    const value = (existing.value as number) + step;
    await ctx.db.patch(existing._id, { value });
    return value;
  },
});

export const get = queryGeneric({
  args: { name: v.string() },
  returns: v.union(v.null(), v.number()),
  handler: async (ctx, { name }) =>
    (
      await ctx.db
        .query("counters")
        .withIndex("by_name", (q) => q.eq("name", name))
        .unique()
    )?.value ?? null,
});

export const environment = queryGeneric({
  args: {},
  handler: () => ({
    STEP: process.env.STEP ?? null,
    SECRET: process.env.SECRET ?? null,
    hasSiteUrl: process.env.CONVEX_SITE_URL !== undefined,
  }),
});

export const hidden = internalQueryGeneric({
  args: {},
  handler: () => "internal to the component",
});
