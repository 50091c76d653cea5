/**
 * Types, validators and constants that the client, the public functions, the
 * loop and the executors share. No database access here.
 */
import { type Infer, v, type Validator, type VAny } from "convex/values";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const YEAR = 365 * DAY;

/** The loop ticks once per segment while busy, so its cost is bounded by time and not by the number of jobs. */
export const SEGMENT_MS = 100;

/**
 * Arguments, contexts and results may have this many bytes (as `getConvexSize`
 * counts; of their JSON, where they are too deep for a document). Convex documents
 * end at 1 MiB; the rest is for the fields around it.
 */
export const MAX_VALUE_BYTES = 1_000_000;

/** Values of at least this size live in `payload`, so that rows the loop and reports touch stay small. */
export const INLINE_LIMIT_BYTES = 8_000;

/** How long a work may take that declares nothing: what the platform allows actions in Node. */
export const DEFAULT_TIMEOUT_MS = 10 * MINUTE;

/**
 * The most that can be declared. The platform ends an action after 30 minutes,
 * those it calls included: this leaves time to be started and to report.
 */
export const MAX_TIMEOUT_MS = 27 * MINUTE;
export const MIN_TIMEOUT_MS = SECOND;

/** Works that declare more than this begin in executors that were opened for such works. */
export const LONG_WORK_MS = 20 * MINUTE;

/** Whether a work with this declaration needs an executor opened for such works. */
export function isLong(timeoutMs: number | undefined): boolean {
  return timeoutMs !== undefined && timeoutMs > LONG_WORK_MS;
}

export const vFnType = v.union(
  v.literal("action"),
  v.literal("mutation"),
  v.literal("query"),
);
export type FnType = Infer<typeof vFnType>;

/** What every retry policy may have beside the number of attempts. */
const retryBounds = {
  jitter: v.optional(v.number()),
  maxElapsedMs: v.optional(v.number()),
};
export const vRetryBehavior = v.object({
  maxAttempts: v.number(),
  initialBackoffMs: v.number(),
  base: v.number(),
  maxBackoffMs: v.optional(v.number()),
  ...retryBounds,
});
/** Validates a {@link RetryIntervals}. */
export const vRetryIntervals = v.object({
  maxAttempts: v.number(),
  intervalsMs: v.array(v.number()),
  ...retryBounds,
});
/** Validates a {@link RetryPolicy}. */
export const vRetryPolicy = v.union(vRetryBehavior, vRetryIntervals);

type RetryBounds = {
  /** How many attempts in all: an integer of at least 1; 2 means one retry. */
  maxAttempts: number;
  /**
   * By how much a wait differs from what the other fields say, at random: a number from 0
   * (not at all) to 1. With 0.5, a wait of one second takes 500 to 1,500 ms. Default:
   * 0.5 with `initialBackoffMs`, 0 with `intervalsMs`. Works that failed together
   * come back together where it is 0.
   */
  jitter?: number;
  /**
   * No retry begins later than so many milliseconds after the first attempt was due: a
   * number of at least 0. A work that would be retried later has failed, with the error
   * of its last attempt. Default: no such bound.
   */
  maxElapsedMs?: number;
};

/** Retries that wait longer each time. */
export type RetryBehavior = RetryBounds & {
  /** Milliseconds before the first retry (before jitter): at least 0. */
  initialBackoffMs: number;
  /**
   * Each further retry waits `base` times longer: at least 1. With an initial
   * backoff of 250 and base 2, retries wait about 250, 500, 1000 ms, and so on.
   */
  base: number;
  /**
   * No retry waits longer than so many milliseconds, jitter included: at least 0, at
   * most a year. Default: a year.
   */
  maxBackoffMs?: number;
};

/** Retries that wait as long as a list says. */
export type RetryIntervals = RetryBounds & {
  /**
   * Milliseconds before the first retry, the second and so on; the last one holds for all
   * further retries. 1 to 100 numbers, each at least 0 and at most a year.
   */
  intervalsMs: number[];
};

/** How a work is retried: with growing waits, or with those of a list. */
export type RetryPolicy = RetryBehavior | RetryIntervals;

/** Five attempts, the retries about 250, 500, 1000 and 2000 ms after the failure. */
export const DEFAULT_RETRY_BEHAVIOR: RetryBehavior = {
  maxAttempts: 5,
  initialBackoffMs: 250,
  base: 2,
};

/** What becomes of the slot of an attempt that takes longer than its `timeoutMs`. */
export const vOnTimeout = v.union(v.literal("hold"), v.literal("release"));
export type OnTimeout = Infer<typeof vOnTimeout>;

export const vResultKind = v.union(
  v.literal("success"),
  v.literal("failed"),
  v.literal("canceled"),
);
export type ResultKind = Infer<typeof vResultKind>;

export function vRunResult<RV extends Validator<any, any, any> = VAny>(
  returnValue: RV,
) {
  return v.union(
    v.object({ kind: v.literal("success"), returnValue }),
    v.object({ kind: v.literal("failed"), error: v.string() }),
    v.object({ kind: v.literal("canceled") }),
  );
}
export const vResult = vRunResult(v.any());
export type RunResult<Returns = unknown> =
  | {
      kind: "success";
      /** What the function returned. */
      returnValue: Returns;
    }
  | {
      kind: "failed";
      /** The error message of the last attempt. */
      error: string;
    }
  | { kind: "canceled" };

/** What an `onComplete` mutation is called with. */
export type OnCompleteArgs = {
  workId: string;
  context: unknown;
  result: RunResult;
};

/** Why a work ended as it did, where the kind of its outcome does not tell. */
export const vReason = v.union(
  /** It had not begun by the time that its enqueue set. */
  v.literal("expired"),
  /** Its last attempt took longer than it declared, or gave no sign of life. */
  v.literal("timedOut"),
  /** Its queue was full. */
  v.literal("discarded"),
  /** The worker of its last attempt was lost. */
  v.literal("workerLost"),
  /** It was canceled while it ran, and not waited for. */
  v.literal("abandoned"),
  /** What it waited for ended otherwise. */
  v.literal("unreachable"),
);
export type Reason = Infer<typeof vReason>;

/** What a pool's `onFailed` is called with. */
export const vFailureNotice = v.object({
  workId: v.string(),
  /** The function's name as logs show it. */
  fnName: v.string(),
  /** As in the outcome. */
  error: v.string(),
  /** Of the `ConvexError` that it failed with. */
  errorData: v.optional(v.any()),
  reason: v.optional(vReason),
  /** Of the round that has ended: how many attempts there were. */
  attempts: v.number(),
  /** How often the work was tried again before, after it had ended: 0 for the first time. */
  round: v.number(),
  /** Milliseconds since the epoch. */
  enqueuedAt: v.number(),
  failedAt: v.number(),
});
export type FailureNotice = Infer<typeof vFailureNotice>;

/** Attempts that are remembered of a work, the oldest first. */
export const MAX_HISTORY = 10;

/** Characters of an error in the history: the outcome has the last one in full. */
export const MAX_HISTORY_ERROR = 2_000;

/** Data of a `ConvexError` with more bytes is not kept. */
export const MAX_ERROR_DATA_BYTES = 8_000;

/** How often a work may be put off by `RateLimitedError` and `Snooze`, per round: more is a handler that never does its work. */
export const MAX_POSTPONEMENTS = 1_000;

/** An attempt that did not succeed. */
export const vPastAttempt = v.object({
  /** Counts from 1, within its round. */
  number: v.number(),
  /** Unset: nobody knows. */
  startedAt: v.optional(v.number()),
  endedAt: v.number(),
  /** With the frames of its stack, as far as there are any. */
  error: v.string(),
  reason: v.optional(vReason),
  /** Unset: the first. */
  round: v.optional(v.number()),
});
export type PastAttempt = Infer<typeof vPastAttempt>;
export const vHistory = v.array(vPastAttempt);

/** Arguments that are filled in when an attempt begins: "this" by the attempt itself, see `work/wire.ts`. */
export const vLate = v.record(v.string(), v.literal("this"));
export type LateArgs = Infer<typeof vLate>;

/** How often a work may go on with other arguments, per round. */
export const MAX_HOPS = 10_000;

const vContinuation = v.object({
  /** It goes on with these arguments. */
  kind: v.literal("continue"),
  /** Of the attempt that said so. */
  fence: v.number(),
  /** Inline when small, else in `payload`. */
  fnArgs: v.optional(v.any()),
  argsId: v.optional(v.id("payload")),
  argsSize: v.number(),
  late: vLate,
});
const vSuspension = v.object({
  /** It waits for somebody else to end it. */
  kind: v.literal("suspend"),
  fence: v.number(),
  /** When it has failed if nobody has. */
  timeoutAt: v.number(),
});

/** What follows the success of an attempt: see `work/next.ts`. */
export const vNext = v.union(vContinuation, vSuspension);
export type Next = Infer<typeof vNext>;

export const vStatus = v.union(
  v.object({ state: v.literal("pending"), previousAttempts: v.number() }),
  v.object({ state: v.literal("running"), previousAttempts: v.number() }),
  v.object({ state: v.literal("finished") }),
);
export type Status = Infer<typeof vStatus>;

/** What a platform may lack, and the pool can do without: see `platform.ts`. */
export const vAbility = v.union(
  v.literal("snapshotTs"),
  v.literal("transactionLimits"),
  v.literal("transactionMetrics"),
  v.literal("deploymentClass"),
);
export type Ability = Infer<typeof vAbility>;

/** How many actions and how many transactions an executor may have in flight, of what is halved there. */
export const vHalved = v.object({
  action: v.optional(v.number()),
  transaction: v.optional(v.number()),
});
export type Halved = Infer<typeof vHalved>;

/** How long outcomes stay readable, in milliseconds, by kind. */
export const vStatusTtl = v.object({
  success: v.number(),
  failed: v.number(),
  canceled: v.number(),
});
export type StatusTtlByKind = Infer<typeof vStatusTtl>;
export const DEFAULT_STATUS_TTL: StatusTtlByKind = {
  success: 0,
  failed: 7 * DAY,
  canceled: 0,
};

export const DEFAULT_MAX_PARALLELISM = 10;
export const MAX_PARALLELISM = 1000;
