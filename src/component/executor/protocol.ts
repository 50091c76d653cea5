/**
 * What executors and `report` say to each other. Executors of the previous
 * deployment may still call this deployment's `report`: `version` tells which
 * protocol they speak, and a version stays readable for one release.
 */
import { type Infer, v } from "convex/values";
import { logLevel } from "../logging.js";
import { vAttempt } from "../loop/attempt.js";
import { vHalved } from "../shared.js";

export const PROTOCOL_VERSION = 1;

/** How an attempt ended, as the executor saw it. */
export const vAttemptResult = v.object({
  /** Which of the works handed to this executor. */
  position: v.number(),
  workId: v.id("work"),
  /** The fence the attempt was started with. */
  fence: v.number(),
  startedAt: v.number(),
  outcome: v.union(
    v.object({ kind: v.literal("success"), returnValue: v.any() }),
    v.object({
      kind: v.literal("failed"),
      error: v.string(),
      retryable: v.boolean(),
      /** It took longer than its work declared. */
      timedOut: v.optional(v.boolean()),
      /** Its handler still runs, and its slot stays taken until an outcome "over" comes: see `timeouts.ts`. */
      holds: v.optional(v.boolean()),
      /** Of the `ConvexError` that it threw. */
      errorData: v.optional(v.any()),
    }),
    /** The handler of an attempt that timed out has ended. Its work has gone on without it. */
    v.object({ kind: v.literal("over") }),
    /** It asked to be tried again after `ms`: `RateLimitedError`, `Snooze`. */
    v.object({
      kind: v.literal("postponed"),
      ms: v.number(),
      why: v.string(),
    }),
    /**
     * Never begun: back to the queue, free of charge. `tooOld`: the rest of this
     * executor's life does not cover it.
     */
    v.object({
      kind: v.literal("returned"),
      tooOld: v.optional(v.boolean()),
    }),
    /** The platform refused to start the handler: back to the queue, free of charge, after a while. */
    v.object({ kind: v.literal("notStarted"), error: v.string() }),
    /** A mutation or query whose own transaction has recorded its outcome. */
    v.object({
      kind: v.literal("recorded"),
      result: v.union(
        v.literal("success"),
        v.literal("failed"),
        v.literal("canceled"),
        v.literal("superseded"),
        /** It waits to be tried again: see above. */
        v.literal("postponed"),
      ),
    }),
  ),
});
export type AttemptResult = Infer<typeof vAttemptResult>;

export const vReportArgs = v.object({
  version: v.number(),
  executorId: v.id("executor"),
  incarnation: v.number(),
  /** Counts up with every new report; a repetition of one carries the same number. */
  seq: v.number(),
  results: v.array(vAttemptResult),
  /** Positions the executor has and will report later. What it was given and is missing here is sent again. */
  holding: v.array(v.number()),
  /** How many more works it can make use of now, begun or waiting in its buffer. */
  want: v.number(),
  /** How many bytes of arguments it can still take. */
  wantBytes: v.number(),
  /** How many works per slot the loop should keep handed over: see `ahead.ts`. */
  worksPerSlot: v.number(),
  /**
   * No work at or beyond this position begins before the executor sends its next
   * report.
   */
  beginsBefore: v.optional(v.number()),
  /** How many may be in flight of what the platform refused to start. Absent: nothing is halved. */
  halved: v.optional(vHalved),
  /** Take no more hand-overs; those already made are delivered. */
  closing: v.boolean(),
  /** It drives the loop (`loop/drive.ts`), or has little enough to begin to. */
  mayDrive: v.boolean(),
  /** False after a report failed: outcomes are recorded without running user code, callbacks are owed. */
  inlineCallbacks: v.boolean(),
});
export type ReportArgs = Infer<typeof vReportArgs>;

export const vReportReply = v.object({
  next: v.array(vAttempt),
  /** How many handlers may be in flight here. */
  width: v.number(),
  /** How many of them may be mutations and queries. Absent: all. */
  transactions: v.optional(v.number()),
  /** More may be handed over soon: stay and ask again. */
  listen: v.boolean(),
  /** Stays open longer, because no other executor may be started. */
  listener: v.boolean(),
  /** No hand-over will follow. */
  closed: v.boolean(),
  /** Everything has ended, or the executor was given up for lost: leave. */
  done: v.boolean(),
  /** This executor drives the loop, and reports again after so many milliseconds. Null: it does not. */
  pollMs: v.union(v.number(), v.null()),
  /** In force now. Not told to one that leaves. */
  logLevel: v.optional(logLevel),
});
export type ReportReply = Infer<typeof vReportReply>;
