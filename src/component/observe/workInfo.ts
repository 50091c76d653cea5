/** What can be known about a work. Apps use the validator too, so no database access here. */
import { type Infer, v } from "convex/values";
import { vFnType, vHistory, vReason, vResult } from "../shared.js";

export const vWorkInfo = v.object({
  workId: v.string(),
  fnName: v.string(),
  fnType: vFnType,
  /**
   * - "pending": in the queue; `dueAt` tells what waits for its turn from what is due later.
   * - "claimed": given to an executor, which has no free slot for it or has not started.
   * - "running": its handler has begun, as far as the executor's last report tells.
   * - "suspended": its handler has left it to somebody else to end it; `dueAt` tells when it fails otherwise.
   * - "finished": it has ended; `result` is its outcome.
   */
  state: v.union(
    v.literal("pending"),
    v.literal("claimed"),
    v.literal("running"),
    v.literal("suspended"),
    v.literal("finished"),
  ),
  /** Attempts that have ended. */
  attempts: v.number(),
  /** Canceled, but an executor has it: it may still run, and is not retried. */
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
  /** As it was enqueued. */
  tags: v.optional(v.array(v.string())),
  /** The key that it was enqueued with, if it is unique. */
  uniqueKey: v.optional(v.string()),
  /** What its present attempt last said of itself with `heartbeat`. */
  progress: v.optional(
    v.object({
      /** From 0 to 1. */
      progress: v.optional(v.number()),
      step: v.optional(v.string()),
      beatAt: v.number(),
    }),
  ),
  /** The outcome, once finished. */
  result: v.optional(vResult),
  /** Why it ended so, where the kind of its outcome does not tell. */
  reason: v.optional(vReason),
  /** As `lastError`, for people: without "Uncaught" and without frames. Not therefore safe to publish. */
  error: v.optional(v.string()),
  /** Of the `ConvexError` that it failed with. */
  errorData: v.optional(v.any()),
  /** How often it was tried again after it had failed. Unset: never. */
  round: v.optional(v.number()),
  /** How often it went on with other arguments (`continueWith`), in this round. Unset: never. */
  hops: v.optional(v.number()),
  /** Its last attempts that did not succeed, the oldest first, at most ten. Unset: there was none, or it succeeded after. */
  history: v.optional(vHistory),
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
