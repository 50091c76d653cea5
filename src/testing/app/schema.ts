import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** One row per effect: what really happened, as opposed to what the pool says. */
  effects: defineTable({
    kind: v.string(),
    key: v.string(),
    detail: v.optional(v.any()),
  })
    .index("by_kind", ["kind"])
    .index("by_key", ["key"]),
});
