/** What is wrong with a pool, in words. Pure. */
import { MAX_FRUITLESS_TICKS_PER_MINUTE } from "../loop/decide.js";
import { MAX_WORKS } from "../loop/pieces.js";
import { DEALT_WITH_MS, LOST_MS } from "../loop/watchdog.js";
import type { FailingCallbacks } from "./callbackHealth.js";
import type { Disagreement } from "../queue/declaration.js";
import type { PoolHealth } from "./poolHealth.js";
import { SECOND } from "../shared.js";
import { capital, counted, shortened } from "./words.js";

/** What was found, and what only the sentences about it need. */
export type Findings = Omit<PoolHealth, "healthy" | "problems" | "facts"> & {
  /** Until when the loop promised a sign of life. */
  validUntil: number | null;
  /** Of the owed callbacks that were looked at: those that fail again and again. */
  failing: readonly FailingCallbacks[];
  /** What `onFailed` threw last, if it fails again and again. */
  failingNotice: string | null;
  disagreement: Disagreement | null;
  /** When settings were last changed at run time. */
  overriddenAt: number | null;
};

/** So many functions with failing callbacks are named, and so much of each error. */
const MAX_NAMED = 3;
const MAX_ERROR_LENGTH = 150;

export function diagnose(found: Findings, now: number): string[] {
  const problems: string[] = [];
  const { state, backlog, nextTickAt, validUntil } = found;
  const late = nextTickAt === null ? 0 : now - nextTickAt;
  const waited =
    found.oldestWaitingSince === null ? 0 : now - found.oldestWaitingSince;
  const works = counted(backlog, "work is", "works are");
  const ago = (ms: number) => `${Math.round(ms / SECOND)} s`;

  if (validUntil !== null && validUntil < now) {
    problems.push(
      `The loop has been without a sign of life for too long (${state}, until ${ago(now - validUntil)} ago). The next enqueue takes it over, and so does kick.`,
    );
  } else if (late > LOST_MS) {
    problems.push(
      `The loop's next turn was due ${ago(late)} ago. The watchdog takes over within ${ago(DEALT_WITH_MS)}, and kick does so at once.`,
    );
  }
  if (state === "idle" && waited > LOST_MS) {
    problems.push(
      `${capital(works)} waiting, the oldest for ${ago(waited)}, and the loop is idle. kick wakes it.`,
    );
  }
  if (
    state === "saturated" &&
    found.inFlight === 0 &&
    found.maxParallelism > 0 &&
    waited > LOST_MS
  ) {
    problems.push(
      `${capital(works)} waiting for room while nothing is in flight. kick wakes the loop.`,
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
      `The scheduled function of an executor started ${ago(now - startedAt)} ago with ${inFlight} works in flight ${what}. The watchdog deals with it within ${ago(DEALT_WITH_MS)} of its end.`,
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
  const { failing, failed } = found.callbacks;
  if (failing.count > 0) {
    problems.push(
      `${capital(counted(failing, "onComplete callback has", "onComplete callbacks have"))} failed three times or more, of works of ${named(found.failing)}. Each is tried for about half an hour, and then given up. Mend what they call; kick then has all of them tried at once.`,
    );
  }
  if (failed.count > 0) {
    problems.push(
      `${capital(counted(failed, "onComplete callback", "onComplete callbacks"))} failed for good: get tells why.`,
    );
  }
  if (found.failingNotice !== null) {
    problems.push(
      `onFailed was to be told of ${counted(found.notices.failing, "failure", "failures")} and threw three times or more; the last error: ${shortened(found.failingNotice, MAX_ERROR_LENGTH)}. Each is tried for about half an hour, and then given up. Mend onFailed; kick then has all of them tried at once.`,
    );
  }
  if (found.disagreement) {
    const { declared, other, at } = found.disagreement;
    problems.push(
      `Two Workpool objects declare different options for this pool, ${JSON.stringify(declared)} and ${JSON.stringify(other)} (noted ${ago(now - at)} ago), and it goes by one and the other in turn. Give them the same options, or set what shall be in force with config.update. An hour after they were last seen to disagree this is forgotten.`,
    );
  }
  return problems;
}

function named(failing: Findings["failing"]): string {
  const shown = failing
    .slice(0, MAX_NAMED)
    .map(
      ({ fnName, count, lastError }) =>
        `${fnName} (${count}, the last error: ${shortened(lastError, MAX_ERROR_LENGTH)})`,
    );
  const more = failing.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} other function${more === 1 ? "" : "s"}` : ""}`;
}
