/**
 * What is refused of options about time: when a work may start and by when it has to, how long
 * an attempt may take, when it is tried again. As in `validate.ts`, for client and component alike.
 */
import { refuse, show } from "./refusal.js";
import {
  MAX_TIMEOUT_MS,
  MIN_TIMEOUT_MS,
  type OnTimeout,
  type RetryBehavior,
  type RetryPolicy,
  vOnTimeout,
  vRetryBehavior,
  vRetryIntervals,
  YEAR,
} from "./shared.js";
import { checkFields, checkMs } from "./validate.js";

/** How far ahead work may be enqueued. Convex schedules five years ahead at most. */
export const MAX_DELAY_MS = 4 * YEAR;

/** The fields of a retry policy, of either kind. */
export const RETRY_FIELDS = [
  ...new Set([
    ...Object.keys(vRetryBehavior.fields),
    ...Object.keys(vRetryIntervals.fields),
  ]),
];

/** Of `intervalsMs`: they are part of every work's row. */
const MAX_INTERVALS = 100;

/** When an attempt that takes too long gives its slot on. */
const ON_TIMEOUT: readonly OnTimeout[] = vOnTimeout.members.map(
  (member) => member.value,
);

export function checkRetryBehavior(
  retry: RetryPolicy,
  option = "retryBehavior",
): void {
  checkFields(option, retry, RETRY_FIELDS);
  const { maxAttempts, jitter, maxElapsedMs } = retry;
  if (!Number.isSafeInteger(maxAttempts) || maxAttempts < 1) {
    refuse(`${option}.maxAttempts`, "an integer of at least 1", maxAttempts);
  }
  if ((retry as { intervalsMs?: unknown }).intervalsMs !== undefined) {
    checkIntervals(retry as { intervalsMs: unknown }, option);
  } else {
    checkBackoff(retry as RetryBehavior, option);
  }
  if (jitter !== undefined && !isWithin(jitter, 0, 1)) {
    refuse(`${option}.jitter`, "a number from 0 to 1", jitter);
  }
  if (maxElapsedMs !== undefined) {
    checkMs(`${option}.maxElapsedMs`, maxElapsedMs);
  }
}

function checkIntervals(retry: { intervalsMs: unknown }, option: string): void {
  const { intervalsMs } = retry;
  const other = (["initialBackoffMs", "base", "maxBackoffMs"] as const).find(
    (field) => (retry as Partial<RetryBehavior>)[field] !== undefined,
  );
  if (other !== undefined) {
    throw new Error(
      `Give ${option}.intervalsMs or ${option}.${other}, not both: intervalsMs says how long each retry waits.`,
    );
  }
  const isList =
    Array.isArray(intervalsMs) &&
    intervalsMs.length > 0 &&
    intervalsMs.length <= MAX_INTERVALS &&
    [...intervalsMs].every((ms) => isWithin(ms, 0, YEAR));
  if (!isList) {
    refuse(
      `${option}.intervalsMs`,
      `a list of 1 to ${MAX_INTERVALS} numbers of milliseconds from 0 to ${YEAR} (a year)`,
      intervalsMs,
    );
  }
}

function checkBackoff(
  { initialBackoffMs, base, maxBackoffMs }: RetryBehavior,
  option: string,
): void {
  checkMs(`${option}.initialBackoffMs`, initialBackoffMs);
  if (!Number.isFinite(base) || base < 1) {
    refuse(`${option}.base`, "a finite number of at least 1", base);
  }
  if (maxBackoffMs !== undefined && !isWithin(maxBackoffMs, 0, YEAR)) {
    refuse(
      `${option}.maxBackoffMs`,
      `a number of milliseconds from 0 to ${YEAR} (a year)`,
      maxBackoffMs,
    );
  }
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === "number" && value >= least && value <= most;
}

export function checkOnTimeout(value: unknown): void {
  if (!ON_TIMEOUT.includes(value as OnTimeout)) {
    refuse("onTimeout", `one of ${ON_TIMEOUT.map(show).join(", ")}`, value);
  }
}

/** By when the work has to begin. Undefined: at any time. */
export function resolveExpireAt(
  {
    expireAt,
    expireAfter,
  }: { expireAt?: number | undefined; expireAfter?: number | undefined },
  runAt: number,
  now: number,
): number | undefined {
  if (expireAt !== undefined && expireAfter !== undefined) {
    throw new Error(
      `Give expireAt or expireAfter, not both (expireAt: ${show(expireAt)}, expireAfter: ${show(expireAfter)}).`,
    );
  }
  if (expireAfter !== undefined) {
    if (!isWithin(expireAfter, 0, MAX_DELAY_MS)) {
      refuse(
        "expireAfter",
        `a number of milliseconds from 0 to ${MAX_DELAY_MS} (four years)`,
        expireAfter,
      );
    }
    checkExpireAt(now + expireAfter, runAt, now);
    return now + expireAfter;
  }
  if (expireAt !== undefined) checkExpireAt(expireAt, runAt, now);
  return expireAt;
}

export function checkExpireAt(
  expireAt: number,
  runAt: number,
  now: number,
): void {
  if (!Number.isFinite(expireAt) || expireAt > now + MAX_DELAY_MS) {
    refuse(
      "expireAt",
      `a finite number of milliseconds since 1970, at most four years ahead (${now + MAX_DELAY_MS})`,
      expireAt,
    );
  }
  if (runAt > now && expireAt <= runAt) {
    throw new Error(
      `The work would expire (at ${show(expireAt)}) before it may start (at ${show(runAt)}): expireAt must be later than runAt, and expireAfter more than runAfter.`,
    );
  }
}

export function checkTimeoutMs(timeoutMs: number): void {
  checkLength("timeoutMs", timeoutMs);
}

export function checkHeartbeatTimeoutMs(heartbeatTimeoutMs: number): void {
  checkLength("heartbeatTimeoutMs", heartbeatTimeoutMs);
}

/** Of an attempt, or a part of one. */
function checkLength(option: string, ms: number): void {
  if (!Number.isInteger(ms) || ms < MIN_TIMEOUT_MS || ms > MAX_TIMEOUT_MS) {
    refuse(
      option,
      `an integer of milliseconds from ${MIN_TIMEOUT_MS} (one second) to ${MAX_TIMEOUT_MS} (27 minutes)`,
      ms,
    );
  }
}

/** For how long a work may be suspended. */
export function checkSuspendTimeout(timeoutMs: unknown): void {
  if (!isWithin(timeoutMs, MIN_TIMEOUT_MS, MAX_DELAY_MS)) {
    refuse(
      "timeoutMs",
      `a number of milliseconds from ${MIN_TIMEOUT_MS} (one second) to ${MAX_DELAY_MS} (four years)`,
      timeoutMs,
    );
  }
}

/** When the work is due: `now` unless one of the options says otherwise. */
export function resolveRunAt(
  {
    runAt,
    runAfter,
  }: { runAt?: number | undefined; runAfter?: number | undefined },
  now: number,
): number {
  if (runAt !== undefined && runAfter !== undefined) {
    throw new Error(
      `Give runAt or runAfter, not both (runAt: ${show(runAt)}, runAfter: ${show(runAfter)}).`,
    );
  }
  if (runAfter !== undefined) {
    if (!Number.isFinite(runAfter) || runAfter > MAX_DELAY_MS) {
      refuse(
        "runAfter",
        `a finite number of milliseconds, at most four years (${MAX_DELAY_MS})`,
        runAfter,
      );
    }
    return now + Math.max(0, runAfter);
  }
  if (runAt !== undefined) {
    checkRunAt(runAt, now);
    return runAt;
  }
  return now;
}

export function checkRunAt(runAt: number, now: number): void {
  if (!Number.isFinite(runAt) || runAt > now + MAX_DELAY_MS) {
    refuse(
      "runAt",
      `a finite number of milliseconds since 1970, at most four years ahead (${now + MAX_DELAY_MS})`,
      runAt,
    );
  }
}
