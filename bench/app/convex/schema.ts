import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** One row for each job whose effect is a document. */
  effects: defineTable({ id: v.number() }),
  /** One row for each call of a completion callback. */
  outcomes: defineTable({ workId: v.string(), kind: v.string() }),
  /** What functions themselves say of their times, where nobody else can see them. */
  timings: defineTable({
    id: v.number(),
    enqueued: v.number(),
    started: v.number(),
    ended: v.number(),
  }),
  /** What callbacks that all write one document write. */
  totals: defineTable({ outcomes: v.number() }),
  /** The bookkeeping of the pool that people write by hand. */
  handJobs: defineTable({
    job: v.number(),
    attempt: v.number(),
    callback: v.optional(v.string()),
    enqueued: v.optional(v.number()),
    retry: v.boolean(),
    scheduledId: v.optional(v.id("_scheduled_functions")),
    state: v.union(
      v.literal("pending"),
      v.literal("success"),
      v.literal("failed"),
      v.literal("canceled"),
    ),
    error: v.optional(v.string()),
  }).index("by_state", ["state"]),
});
