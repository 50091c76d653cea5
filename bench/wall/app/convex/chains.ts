/** Scheduled functions that schedule each other. */
import {
  anyApi,
  type DataModelFromSchemaDefinition,
  internalMutationGeneric,
  type MutationBuilder,
  mutationGeneric,
  type QueryBuilder,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import type schema from "./schema.js";

type DataModel = DataModelFromSchemaDefinition<typeof schema>;
const query = queryGeneric as QueryBuilder<DataModel, "public">;
const mutation = mutationGeneric as MutationBuilder<DataModel, "public">;
const internalMutation = internalMutationGeneric as MutationBuilder<
  DataModel,
  "internal"
>;

/** Adds `steps` rows one after the other, each from a scheduled function. */
export const chain = mutation({
  args: { group: v.number(), steps: v.number() },
  returns: v.null(),
  handler: async (ctx, args) => {
    await ctx.scheduler.runAfter(0, anyApi.chains!.link as any, args);
    return null;
  },
});

export const link = internalMutation({
  args: { group: v.number(), steps: v.number() },
  returns: v.null(),
  handler: async (ctx, { group, steps }) => {
    await ctx.db.insert("rows", { group, value: steps });
    if (steps > 1) {
      await ctx.scheduler.runAfter(0, anyApi.chains!.link as any, {
        group,
        steps: steps - 1,
      });
    }
    return null;
  },
});

/** Whether the last link of a {@link chain} is there. */
export const ended = query({
  args: { group: v.number() },
  returns: v.boolean(),
  handler: async (ctx, { group }) => {
    const last = await ctx.db
      .query("rows")
      .withIndex("by_group_and_value", (q) =>
        q.eq("group", group).eq("value", 1),
      )
      .first();
    return last !== null;
  },
});
