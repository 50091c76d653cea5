import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  items: defineTable({
    group: v.string(),
    rank: v.number(),
    note: v.optional(v.string()),
  })
    .index("by_rank", ["rank"])
    .index("by_group_rank", ["group", "rank"]),
  /** Not validated beyond being objects: values of every type. */
  anything: defineTable(v.any())
    .index("by_value", ["value"])
    .index("by_set_value", ["set", "value"])
    .index("by_nested", ["outer.inner"]),
  modelRows: defineTable({
    key: v.number(),
    value: v.number(),
    tag: v.number(),
  }).index("by_key", ["key"]),
  stamps: defineTable({ at: v.commitTs(), label: v.string() }).index("by_at", [
    "at",
  ]),
});
