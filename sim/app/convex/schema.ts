import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** One row for each time that an action's handler was called. */
  attempts: defineTable({ key: v.string() }).index("by_key", ["key"]),
  /** What works' mutations wrote. */
  effects: defineTable({ key: v.string() }).index("by_key", ["key"]),
  /** One row per callback that ran. */
  outcomes: defineTable({
    key: v.string(),
    workId: v.string(),
    result: v.any(),
  }).index("by_key", ["key"]),
  /** What clients enqueued, written in the same transaction. */
  enqueued: defineTable({ key: v.string(), workId: v.string() }).index(
    "by_key",
    ["key"],
  ),
  /** What clients canceled, and what its status was in that same transaction. */
  cancels: defineTable({
    key: v.string(),
    was: v.string(),
    /** Attempts that had ended. */
    attempts: v.number(),
  }),
  /** Of the profile `life`: what a call of a handler was to do, noted as it began. */
  lifeCalls: defineTable({
    key: v.string(),
    call: v.number(),
    does: v.string(),
    at: v.number(),
  }).index("by_key", ["key"]),
  /** … and what clients did to works, written in the same transaction. */
  lifeDone: defineTable({
    op: v.string(),
    workId: v.union(v.string(), v.null()),
    answer: v.any(),
    at: v.number(),
  }),
  /** … and the failures that `onFailed` was told of. */
  alarms: defineTable({ workId: v.string(), round: v.number() }),
  /** Rows that everybody patches. */
  tallies: defineTable({ name: v.string(), count: v.number() }).index(
    "by_name",
    ["name"],
  ),
});
