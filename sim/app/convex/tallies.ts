import type {
  DataModelFromSchemaDefinition,
  GenericMutationCtx,
} from "convex/server";
import type schema from "./schema.js";

export type DataModel = DataModelFromSchemaDefinition<typeof schema>;
export type MutationCtx = GenericMutationCtx<DataModel>;

/** Adds one to a row that many transactions want to write at the same time. */
export async function count(ctx: MutationCtx, name: string): Promise<void> {
  const row = await ctx.db
    .query("tallies")
    .withIndex("by_name", (q) => q.eq("name", name))
    .unique();
  if (row) await ctx.db.patch("tallies", row._id, { count: row.count + 1 });
  else await ctx.db.insert("tallies", { name, count: 1 });
}
