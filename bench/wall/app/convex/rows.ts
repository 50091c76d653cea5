/** Small functions: what they take is what the deployment takes. */
import {
  actionGeneric,
  anyApi,
  type DataModelFromSchemaDefinition,
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

export const nothing = query({
  args: {},
  returns: v.null(),
  handler: async () => null,
});

export const values = query({
  args: { group: v.number() },
  returns: v.array(v.number()),
  handler: async (ctx, { group }) => {
    const rows = await ctx.db
      .query("rows")
      .withIndex("by_group_and_value", (q) => q.eq("group", group))
      .take(10);
    return rows.map(({ value }) => value);
  },
});

export const count = query({
  args: { group: v.number() },
  returns: v.number(),
  handler: async (ctx, { group }) => {
    const rows = await ctx.db
      .query("rows")
      .withIndex("by_group_and_value", (q) => q.eq("group", group))
      .collect();
    return rows.length;
  },
});

export const insert = mutation({
  args: { group: v.number() },
  returns: v.id("rows"),
  handler: async (ctx, { group }) =>
    await ctx.db.insert("rows", { group, value: 0 }),
});

export const set = mutation({
  args: { id: v.id("rows"), value: v.number() },
  returns: v.null(),
  handler: async (ctx, { id, value }) => {
    await ctx.db.patch("rows", id, { value });
    return null;
  },
});

/** An action that calls `set` so often. */
export const setRepeatedly = actionGeneric({
  args: { id: v.id("rows"), times: v.number() },
  returns: v.null(),
  handler: async (ctx, { id, times }) => {
    for (let value = 1; value <= times; value++) {
      await ctx.runMutation(anyApi.rows!.set as any, { id, value });
    }
    return null;
  },
});
