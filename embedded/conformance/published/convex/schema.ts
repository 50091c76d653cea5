import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** What happened, in the order in which it did. */
  diary: defineTable({ about: v.string(), entry: v.any() }).index("by_about", [
    "about",
  ]),
  events: defineTable({
    queue: v.string(),
    value: v.number(),
    insertedAt: v.commitTs(),
  }).index("by_queue", ["queue", "insertedAt"]),
});
