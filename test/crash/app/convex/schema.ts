import {
  type DataModelFromSchemaDefinition,
  defineSchema,
  defineTable,
  type GenericMutationCtx,
} from "convex/server";
import { v } from "convex/values";

const schema = defineSchema({
  /** One row per enqueueing mutation that committed. */
  batches: defineTable({
    name: v.string(),
    works: v.array(v.object({ key: v.string(), workId: v.string() })),
  }),
  /** One row per mutation of a work that committed. */
  effects: defineTable({ key: v.string() }),
  /** One row per callback that committed. */
  outcomes: defineTable({
    key: v.string(),
    workId: v.string(),
    kind: v.string(),
  }),
  /** A row once works that were flawed are so no longer. */
  mended: defineTable({}),
  /** One row per scheduled function of `reminders:plan` that ran. */
  reminders: defineTable({ number: v.number() }),
});
export default schema;

export type DataModel = DataModelFromSchemaDefinition<typeof schema>;
export type MutationCtx = GenericMutationCtx<DataModel>;
