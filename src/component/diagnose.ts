/** What is wrong with a pool, in words. Pure. */
import { MAX_FRUITLESS_TICKS_PER_MINUTE } from "./loop/decide.js";
import { MAX_WORKS } from "./loop/pieces.js";
import { LOST_MS } from "./loop/watchdog.js";
import type { PoolHealth } from "./poolHealth.js";
import { SECOND } from "./shared.js";

/** What was found, and what only diagnosis needs. */
export type Findings = Omit<PoolHealth, "healthy" | "problems"> & {
  /** Until when the loop promised a sign of life. */
  validUntil: number | null;
};

/** A lost tick or executor is dealt with by the watchdog within this time; a little more is worth a word. */
const WATCH_OVERDUE_MS = 15 * SECOND;

export function diagnose(found: Findings, now: number): string[] {
  const problems: string[] = [];
  const { state, backlog, nextTickAt, validUntil } = found;
  const late = nextTickAt === null ? 0 : now - nextTickAt;
  const waited =
    found.oldestWaitingSince === null ? 0 : now - found.oldestWaitingSince;
  const ago = (ms: number) => `${Math.round(ms / SECOND)} s`;

  if (found.maxParallelism === 0 && backlog.count > 0) {
    problems.push(
      `The pool is paused (maxParallelism is 0) and ${worded(backlog)} waiting.`,
    );
  }
  if (validUntil !== null && validUntil < now) {
    problems.push(
      `The loop has been without a sign of life for too long (${state}, until ${ago(now - validUntil)} ago). The next enqueue takes it over, and so does kick.`,
    );
  } else if (late > LOST_MS) {
    problems.push(
      `The loop's next turn was due ${ago(late)} ago. The watchdog takes over within ${ago(WATCH_OVERDUE_MS)}, and kick does so at once.`,
    );
  }
  if (state === "idle" && waited > LOST_MS) {
    problems.push(
      `${capital(worded(backlog))} waiting, the oldest for ${ago(waited)}, and the loop is idle. kick wakes it.`,
    );
  }
  if (
    state === "saturated" &&
    found.inFlight === 0 &&
    found.maxParallelism > 0 &&
    waited > LOST_MS
  ) {
    problems.push(
      `${capital(worded(backlog))} waiting for room while nothing is in flight. kick wakes the loop.`,
    );
  }
  for (const { state, inFlight, startedAt } of found.executors) {
    if (state === "pending" || state === "inProgress") continue;
    const what =
      state === null
        ? "is gone"
        : state === "canceled"
          ? "was canceled, and may still be running"
          : `ended (${state})`;
    problems.push(
      `The scheduled function of an executor started ${ago(now - startedAt)} ago with ${inFlight} works in flight ${what}. The watchdog deals with it within ${ago(WATCH_OVERDUE_MS)} of its end.`,
    );
  }
  const { count, since } = found.fruitlessTicks;
  if (count > MAX_FRUITLESS_TICKS_PER_MINUTE) {
    problems.push(
      `The loop has called for another turn ${count} times since ${new Date(since).toISOString()} without moving anything, and was slowed down. Please report this.`,
    );
  }
  const { recovery } = found;
  if (
    recovery &&
    (recovery.failures > 0 || recovery.worksAtATime < MAX_WORKS)
  ) {
    problems.push(
      `What lost executors had could not be recovered at once; it is tried with ${recovery.worksAtATime} works at a time. The log tells why (recoverySmaller).`,
    );
  }
  if (found.callbacks.failed.count > 0) {
    const { failed } = found.callbacks;
    problems.push(
      `${failed.isAtLeast ? "At least " : ""}${failed.count} onComplete callbacks failed for good: get tells why.`,
    );
  }
  return problems;
}

function worded({ count, isAtLeast }: Findings["backlog"]): string {
  return `${isAtLeast ? "at least " : ""}${count} ${count === 1 && !isAtLeast ? "work is" : "works are"}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
