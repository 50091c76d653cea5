/**
 * By when an attempt has to begin. Pure.
 *
 * | what bounds it                                    | an attempt that has not begun by then          |
 * | ------------------------------------------------- | ---------------------------------------------- |
 * | `expireAt` of the work                            | It never begins: the work fails as expired.    |
 * | the time-out of one that is suspended             | None ever begins: the work fails as timed out. |
 * | `maxElapsedMs` of its retries, after a failed one | It never begins: the work fails as that one did. |
 *
 * Nothing runs at that time by itself. Whoever is about to begin an attempt, to hand it to
 * an executor or to put the work back asks here; works that nobody touches are found by the
 * entry that they wait in (`expiring.ts`).
 */
import type { Doc } from "../_generated/dataModel.js";
import type { Reason } from "../shared.js";

export type Bounded = Pick<
  Doc<"work">,
  | "expireAt"
  | "retryBehavior"
  | "attempts"
  | "lastError"
  | "history"
  | "runAt"
  | "_creationTime"
  | "suspended"
>;

/**
 * Since when a work could have run, by a clock of whole milliseconds. One that goes back
 * though it never began waits in its old place.
 */
export function firstDue(
  work: Pick<Doc<"work">, "runAt" | "_creationTime" | "suspended">,
) {
  if (work.suspended !== undefined) return work.suspended;
  return Math.floor(Math.max(work.runAt, work._creationTime));
}

/** Undefined: at any time. */
export function startByOf(work: Bounded): number | undefined {
  if (work.suspended !== undefined) return work.suspended;
  const startBy = Math.min(work.expireAt ?? Infinity, lastRetryAt(work));
  return startBy === Infinity ? undefined : startBy;
}

/** How a work ends of which no attempt may begin at `at`. Null: one may. */
export function tooLateAt(
  work: Bounded,
  at: number,
): { error: string; reason?: Reason } | null {
  const { expireAt = Infinity, lastError, history, suspended } = work;
  if (suspended !== undefined) {
    if (at < suspended) return null;
    const when = new Date(suspended).toISOString();
    const error = `The work timed out: it was suspended, and nobody had ended it by ${when}.`;
    return { error, reason: "timedOut" };
  }
  if (at >= expireAt) {
    // Dates do not go back as far as numbers do.
    const when = new Date(Math.max(0, expireAt)).toISOString();
    const error =
      lastError === undefined
        ? `The work expired: it had not begun by ${when}.`
        : `The work expired: no further attempt could begin by ${when}. Its last attempt failed: ${lastError}`;
    return { error, reason: "expired" };
  }
  if (at < lastRetryAt(work)) return null;
  const reason = history?.at(-1)?.reason;
  return {
    error: lastError ?? "The time for retries is over.",
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The first attempt is no retry, however late it begins. */
function lastRetryAt(work: Bounded): number {
  const { maxElapsedMs = Infinity } = work.retryBehavior ?? {};
  return (work.attempts ?? 0) === 0 ? Infinity : firstDue(work) + maxElapsedMs;
}
