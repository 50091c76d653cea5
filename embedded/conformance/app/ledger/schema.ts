import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  items: defineTable({
    group: v.string(),
    rank: v.number(),
    note: v.optional(v.string()),
  }).index("by_rank", ["rank"]),
});
