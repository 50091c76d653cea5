import {
  type DataModelFromSchemaDefinition,
  defineSchema,
  defineTable,
  type GenericMutationCtx,
} from "convex/server";
import { v } from "convex/values";

const schema = defineSchema({
  notes: defineTable({ text: v.string() }),
});
export default schema;

export type MutationCtx = GenericMutationCtx<
  DataModelFromSchemaDefinition<typeof schema>
>;
