/**
 * What becomes of a work whose attempt is over, whoever found that out: a report,
 * the transaction of a mutation or query, a recovery, a turn that takes back. Pure.
 *
 * | the attempt                                      | the work                                  | if it was canceled |
 * | ------------------------------------------------ | ----------------------------------------- | ------------------ |
 * | succeeded                                        | ends as success                           | the same           |
 * | succeeded, and said how it goes on (`next.ts`)   | goes on with other arguments, at once     | ends as canceled   |
 * | succeeded, and suspended its work (`next.ts`)    | waits for somebody to end it, till its time-out | ends as canceled |
 * | failed, and may be tried again                   | waits for its backoff, then is tried again | ends as canceled   |
 * | failed for good, or was the last one             | ends as failed                            | ends as canceled   |
 * | was not begun                                    | goes back to its old place, free of charge | ends as canceled   |
 * | was refused by the platform                      | the same, after a while                   | ends as canceled   |
 * | asked to be tried again later                    | waits as long as it asked, free of charge; after 1,000 times it ends as failed | ends as canceled |
 * | of an action, may have begun, and its worker died | as one that failed; quarantined if by memory | ends as canceled |
 * | of a mutation or query, and its worker died      | goes back: its fence makes it exactly once | ends as canceled   |
 * | could not be recovered, again and again          | ends as failed                            | the same           |
 *
 * What would wait until no attempt of it may begin any more (`queue/startBy.ts`) ends as failed at once.
 */
import type { Doc } from "../_generated/dataModel.js";
import { retryBackoffMs } from "../backoff.js";
import { firstDue, tooLateAt } from "../queue/startBy.js";
import {
  MAX_POSTPONEMENTS,
  type PastAttempt,
  type Reason,
  type RunResult,
  SECOND,
} from "../shared.js";
import { withAttempt } from "./history.js";

/** How long a work waits that the platform refused to start: overload passes, but not at once. */
const NOT_STARTED_DELAY_MS = 1 * SECOND;

/** How an attempt was over. */
export type AttemptEnd =
  | { kind: "success"; returnValue: unknown }
  | {
      kind: "failed";
      error: string;
      retryable: boolean;
      /** It took longer than its work declared. */
      timedOut?: boolean | undefined;
      /** Of the `ConvexError` that it threw. */
      errorData?: unknown;
    }
  /** It asked to be tried again after `ms`. `why`: in words. */
  | { kind: "postponed"; ms: number; why: string }
  /** Never begun. `tooOld`: the executor's life is too short for it. */
  | { kind: "returned"; tooOld?: boolean | undefined }
  | { kind: "notStarted"; error: string }
  /** Its executor died. `byMemory`: this work may be the reason. */
  | { kind: "lost"; error: string; mayHaveBegun: boolean; byMemory: boolean }
  | { kind: "givenUp"; error: string };

export type Settlement = {
  /** It takes over what the attempt arranged; otherwise that is void. */
  takesNext?: boolean;
} & (
  | {
      kind: "end";
      result: RunResult;
      /** Of the work, this one included. */
      attempts: number;
      lastError?: string;
      history?: PastAttempt[];
      reason?: Reason;
      errorData?: unknown;
    }
  | {
      kind: "goOn";
      /** An attempt was spent. */
      isRetry: boolean;
      dueAt: number;
      patch: Patch;
      /** Only an executor opened for long works lives long enough. */
      long: boolean;
      /** It may be why its executor died. */
      isSuspect: boolean;
    }
);

type Patch = Partial<
  Pick<
    Doc<"work">,
    | "attempts"
    | "lastError"
    | "isolate"
    | "history"
    | "postponed"
    | "hops"
    | "suspended"
  >
>;

export type Settled = Pick<
  Doc<"work">,
  | "fnType"
  | "attempts"
  | "canceled"
  | "retryBehavior"
  | "isolate"
  | "runAt"
  | "_creationTime"
  | "expireAt"
  | "lastError"
  | "history"
  | "round"
  | "postponed"
  | "fence"
  | "next"
  | "hops"
  | "suspended"
>;

/**
 * @param startedAt - When the attempt began, if that is known.
 * @param random uniform in [0, 1).
 */
export function settleAttempt(
  work: Settled,
  end: AttemptEnd,
  now: number,
  random: number,
  startedAt?: number,
): Settlement {
  const spent = (work.attempts ?? 0) + 1;
  switch (end.kind) {
    case "success": {
      if (work.next && work.next.fence === (work.fence ?? 0)) {
        const after =
          work.next.kind === "continue"
            ? hop(work, spent, now)
            : suspension(work, work.next.timeoutAt, spent, now);
        return { ...after, takesNext: true };
      }
      const { returnValue } = end;
      return {
        kind: "end",
        result: { kind: "success", returnValue },
        attempts: spent,
      };
    }
    case "failed": {
      const { timedOut, ...failure } = end;
      const reason = timedOut ? ("timedOut" as const) : undefined;
      return afterFailure(work, { ...failure, reason }, now, random, startedAt);
    }
    case "postponed":
      return afterPostponement(work, end, now);
    case "returned":
      return goesBack(work, now, firstDue(work), {}, end.tooOld === true);
    case "notStarted":
      return goesBack(work, now, now + NOT_STARTED_DELAY_MS * (1 + random));
    case "lost": {
      const { error, mayHaveBegun, byMemory } = end;
      if (!mayHaveBegun) return goesBack(work, now, firstDue(work));
      if (work.fnType !== "action") {
        return goesBack(work, now, firstDue(work), { lastError: error });
      }
      const failure = { error, retryable: true, byMemory };
      const reason = "workerLost" as const;
      return afterFailure(work, { ...failure, reason }, now, random);
    }
    case "givenUp": {
      const { error } = end;
      return {
        kind: "end",
        result: { kind: "failed", error },
        attempts: work.attempts ?? 0,
        lastError: error,
        reason: "workerLost",
      };
    }
  }
}

function afterFailure(
  work: Settled,
  failure: {
    error: string;
    retryable: boolean;
    byMemory?: boolean;
    reason: "timedOut" | "workerLost" | undefined;
    errorData?: unknown;
  },
  now: number,
  random: number,
  startedAt?: number,
): Settlement {
  const { error, retryable, byMemory = false, reason, errorData } = failure;
  const attempts = (work.attempts ?? 0) + 1;
  const history = withAttempt(work, {
    number: attempts,
    ...(startedAt === undefined ? {} : { startedAt }),
    endedAt: now,
    error,
    ...(reason === undefined ? {} : { reason }),
  });
  const after = { attempts, lastError: error, history };
  const { retryBehavior } = work;
  const mayRetry =
    retryable &&
    retryBehavior !== undefined &&
    attempts < retryBehavior.maxAttempts;
  if (work.canceled) {
    return { kind: "end", result: { kind: "canceled" }, ...after };
  }
  if (!mayRetry) {
    return {
      kind: "end",
      result: { kind: "failed", error },
      ...after,
      ...(reason === undefined ? {} : { reason }),
      ...(errorData === undefined ? {} : { errorData }),
    };
  }
  const dueAt = now + retryBackoffMs(retryBehavior, attempts, random);
  const tooLate = tooLateAt({ ...work, ...after }, dueAt);
  if (tooLate) {
    const { error, ...why } = tooLate;
    return {
      kind: "end",
      result: { kind: "failed", error },
      ...after,
      ...why,
      ...(errorData === undefined ? {} : { errorData }),
    };
  }
  // One that has ended by itself takes no neighbours with it.
  const leavesQuarantine = reason !== "workerLost" && Boolean(work.isolate);
  return {
    kind: "goOn",
    isRetry: true,
    dueAt,
    patch: { ...after, ...(leavesQuarantine ? { isolate: false } : {}) },
    long: false,
    isSuspect: byMemory,
  };
}

/** It goes on with other arguments and all its attempts; its deadlines stay as they are. */
function hop(work: Settled, attempts: number, now: number): Settlement {
  const hops = (work.hops ?? 0) + 1;
  const fresh = { attempts: undefined, lastError: undefined, hops };
  return afterSuccess(work, fresh, now, attempts, now);
}

/** It waits without a slot. When that is over, it ends as what may not begin any more (`queue/startBy.ts`). */
function suspension(
  work: Settled,
  timeoutAt: number,
  attempts: number,
  now: number,
): Settlement {
  const patch = { attempts, suspended: timeoutAt };
  return afterSuccess(work, patch, timeoutAt, attempts, now);
}

function afterSuccess(
  work: Settled,
  own: Patch,
  dueAt: number,
  attempts: number,
  now: number,
): Settlement {
  if (work.canceled) {
    return { kind: "end", result: { kind: "canceled" }, attempts };
  }
  const patch = {
    ...own,
    postponed: undefined,
    ...(work.isolate ? { isolate: false } : {}),
  };
  const tooLate = tooLateAt({ ...work, ...patch }, now);
  if (tooLate) {
    const { error, ...why } = tooLate;
    const result = { kind: "failed" as const, error };
    return { kind: "end", result, attempts, ...why };
  }
  return {
    kind: "goOn",
    isRetry: false,
    dueAt,
    patch,
    long: false,
    isSuspect: false,
  };
}

/** It is no attempt; but a work that is put off for ever would never be seen to fail. */
function afterPostponement(
  work: Settled,
  { ms, why }: { ms: number; why: string },
  now: number,
): Settlement {
  const postponed = (work.postponed ?? 0) + 1;
  if (postponed > MAX_POSTPONEMENTS && !work.canceled) {
    const error = `The work was put off ${MAX_POSTPONEMENTS} times (RateLimitedError, Snooze), which is the most there may be; this time it was ${why}.`;
    return {
      kind: "end",
      result: { kind: "failed", error },
      attempts: work.attempts ?? 0,
      lastError: error,
    };
  }
  return goesBack(work, now, now + ms, {
    postponed,
    ...(work.isolate ? { isolate: false } : {}),
  });
}

/** Free of charge: no attempt was made. */
function goesBack(
  work: Settled,
  now: number,
  dueAt: number,
  patch: Patch = {},
  long = false,
): Settlement {
  const attempts = work.attempts ?? 0;
  const { lastError } = patch;
  const after = { attempts, ...(lastError === undefined ? {} : { lastError }) };
  if (work.canceled) {
    return { kind: "end", result: { kind: "canceled" }, ...after };
  }
  const tooLate = tooLateAt({ ...work, ...patch }, Math.max(dueAt, now));
  if (tooLate) {
    const { error, ...why } = tooLate;
    return { kind: "end", result: { kind: "failed", error }, ...after, ...why };
  }
  return { kind: "goOn", isRetry: false, dueAt, patch, long, isSuspect: false };
}
