import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** One for each workflow that has ended. */
  endings: defineTable({
    group: v.string(),
    /** How many of its steps ran; null: it did not succeed. */
    steps: v.union(v.number(), v.null()),
  }).index("by_group", ["group"]),
});
