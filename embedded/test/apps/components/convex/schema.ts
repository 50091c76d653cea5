import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  outcomes: defineTable({ job: v.number(), kind: v.string(), value: v.any() }),
});
