import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** `group` is whom it is shown to, `value` what changes. */
  rows: defineTable({ group: v.number(), value: v.number() }).index(
    "by_group_and_value",
    ["group", "value"],
  ),
});
