/**
 * What becomes of a work whose attempt is over, whoever found that out: a report,
 * the transaction of a mutation or query, a recovery, a turn that takes back. Pure.
 *
 * | the attempt                                      | the work                                  | if it was canceled |
 * | ------------------------------------------------ | ----------------------------------------- | ------------------ |
 * | succeeded                                        | ends as success                           | the same           |
 * | failed, and may be tried again                   | waits for its backoff, then is tried again | ends as canceled   |
 * | failed for good, or was the last one             | ends as failed                            | ends as canceled   |
 * | was not begun                                    | goes back to its old place, free of charge | ends as canceled   |
 * | was refused by the platform                      | the same, after a while                   | ends as canceled   |
 * | of an action, may have begun, and its worker died | as one that failed; quarantined if by memory | ends as canceled |
 * | of a mutation or query, and its worker died      | goes back: its fence makes it exactly once | ends as canceled   |
 * | could not be recovered, again and again          | ends as failed                            | the same           |
 */
import type { Doc } from "../_generated/dataModel.js";
import { retryBackoffMs } from "../backoff.js";
import { firstDue } from "../queue/entries.js";
import { type RunResult, SECOND } from "../shared.js";

/** How long a work waits that the platform refused to start: overload passes, but not at once. */
const NOT_STARTED_DELAY_MS = 1 * SECOND;

/** How an attempt was over. */
export type AttemptEnd =
  | { kind: "success"; returnValue: unknown }
  | { kind: "failed"; error: string; retryable: boolean }
  /** Never begun. `tooOld`: the executor's life is too short for it. */
  | { kind: "returned"; tooOld?: boolean | undefined }
  | { kind: "notStarted"; error: string }
  /** Its executor died. `byMemory`: this work may be the reason. */
  | { kind: "lost"; error: string; mayHaveBegun: boolean; byMemory: boolean }
  | { kind: "givenUp"; error: string };

export type Settlement =
  | {
      kind: "end";
      result: RunResult;
      /** Of the work, this one included. */
      attempts: number;
      lastError?: string;
    }
  | {
      kind: "goOn";
      /** An attempt was spent. */
      isRetry: boolean;
      dueAt: number;
      patch: Partial<Pick<Doc<"work">, "attempts" | "lastError" | "isolate">>;
      /** Only an executor opened for long works lives long enough. */
      long: boolean;
      /** It may be why its executor died. */
      isSuspect: boolean;
    };

export type Settled = Pick<
  Doc<"work">,
  | "fnType"
  | "attempts"
  | "canceled"
  | "retryBehavior"
  | "isolate"
  | "runAt"
  | "_creationTime"
>;

/** @param random uniform in [0, 1). */
export function settleAttempt(
  work: Settled,
  end: AttemptEnd,
  now: number,
  random: number,
): Settlement {
  const spent = (work.attempts ?? 0) + 1;
  switch (end.kind) {
    case "success": {
      const { returnValue } = end;
      return {
        kind: "end",
        result: { kind: "success", returnValue },
        attempts: spent,
      };
    }
    case "failed":
      return afterFailure(work, end, now, random);
    case "returned":
      return goesBack(work, firstDue(work), {}, end.tooOld === true);
    case "notStarted":
      return goesBack(work, now + NOT_STARTED_DELAY_MS * (1 + random), {});
    case "lost": {
      const { error, mayHaveBegun, byMemory } = end;
      if (!mayHaveBegun) return goesBack(work, firstDue(work), {});
      if (work.fnType !== "action") {
        return goesBack(work, firstDue(work), { lastError: error });
      }
      const failed = { error, retryable: true, byMemory, isLost: true };
      return afterFailure(work, failed, now, random);
    }
    case "givenUp": {
      const { error } = end;
      return {
        kind: "end",
        result: { kind: "failed", error },
        attempts: work.attempts ?? 0,
        lastError: error,
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
    isLost?: boolean;
  },
  now: number,
  random: number,
): Settlement {
  const { error, retryable, byMemory = false, isLost = false } = failure;
  const attempts = (work.attempts ?? 0) + 1;
  const { retryBehavior } = work;
  const mayRetry =
    retryable &&
    retryBehavior !== undefined &&
    attempts < retryBehavior.maxAttempts;
  if (work.canceled || !mayRetry) {
    const result: RunResult = work.canceled
      ? { kind: "canceled" }
      : { kind: "failed", error };
    return { kind: "end", result, attempts, lastError: error };
  }
  // One that has ended by itself takes no neighbours with it.
  const leavesQuarantine = !isLost && Boolean(work.isolate);
  return {
    kind: "goOn",
    isRetry: true,
    dueAt: now + retryBackoffMs(retryBehavior, attempts, random),
    patch: {
      attempts,
      lastError: error,
      ...(leavesQuarantine ? { isolate: false } : {}),
    },
    long: false,
    isSuspect: byMemory,
  };
}

/** Free of charge: no attempt was made. */
function goesBack(
  work: Settled,
  dueAt: number,
  patch: { lastError?: string },
  long = false,
): Settlement {
  return work.canceled
    ? {
        kind: "end",
        result: { kind: "canceled" },
        attempts: work.attempts ?? 0,
        ...patch,
      }
    : { kind: "goOn", isRetry: false, dueAt, patch, long, isSuspect: false };
}
