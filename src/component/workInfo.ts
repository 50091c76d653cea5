/** What can be known about a work. Apps use the validator too, so no database access here. */
import { type Infer, v } from "convex/values";
import { vFnType, vResult } from "./shared.js";

export const vWorkInfo = v.object({
  workId: v.string(),
  fnName: v.string(),
  fnType: vFnType,
  state: v.union(
    v.literal("pending"),
    v.literal("running"),
    v.literal("finished"),
  ),
  /** Attempts that have ended. */
  attempts: v.number(),
  /** Canceled, but still running: it will not be retried. */
  canceled: v.optional(v.literal(true)),
  enqueuedAt: v.number(),
  /** When it was to run first. */
  runAt: v.number(),
  /** While pending: when its next attempt is due. In the past: it waits for its turn. */
  dueAt: v.optional(v.number()),
  /** When the last attempt began, if the work has ended and one did. */
  startedAt: v.optional(v.number()),
  finishedAt: v.optional(v.number()),
  /** Of the attempt that failed last. */
  lastError: v.optional(v.string()),
  /** The outcome, once finished. */
  result: v.optional(vResult),
  /** While `onComplete` is owed, and of one that did not succeed at once. */
  callback: v.optional(
    v.object({
      state: v.union(v.literal("owed"), v.literal("done"), v.literal("failed")),
      /** Attempts that have failed. */
      attempts: v.number(),
      lastError: v.optional(v.string()),
    }),
  ),
});
export type WorkInfo = Infer<typeof vWorkInfo>;
