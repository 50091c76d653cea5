/**
 * How old an executor may be when it takes and begins works. Pure.
 *
 * The platform ends an action after thirty minutes, nested calls included. A work
 * must not end because of the age of the executor that it happens to run in, so
 * it begins only where the rest of the executor's life covers it:
 *
 *     19 min accepting + 10 min a work that declares nothing + 1 min margin = 30 min
 *
 * A work that declares more than ten minutes is given back by an executor too old
 * for it. Such a work, and one that declares more than twenty minutes from the
 * outset ("long"), begins in an executor that was opened for such works and accepts
 * for a minute and a half only.
 */
import { DEFAULT_TIMEOUT_MS, MINUTE, SECOND } from "../shared.js";

/** The platform ends an action at this age. */
export const ACTION_LIMIT_MS = 30 * MINUTE;
/** For the calls around a handler, and a clock that is a little off. */
const MARGIN_MS = 1 * MINUTE;

const ACCEPT_MS = ACTION_LIMIT_MS - DEFAULT_TIMEOUT_MS - MARGIN_MS;
const ACCEPT_LONG_MS = 90 * SECOND;

/**
 * For how long an executor accepts works. Executors that were started together must
 * not leave together: while one leaves, its slots have to find others.
 *
 * @param random uniform in [0, 1).
 */
export function acceptsFor(long: boolean, random: number): number {
  return long ? ACCEPT_LONG_MS : ACCEPT_MS * (0.7 + 0.3 * random);
}

/** Whether what is left of an executor's life covers a work that begins now. */
export function mayBegin(
  ageMs: number,
  timeoutMs: number | undefined,
): boolean {
  const needed = (timeoutMs ?? DEFAULT_TIMEOUT_MS) + MARGIN_MS;
  return ageMs + needed <= ACTION_LIMIT_MS;
}

/** Until this age a transaction is tried again; then it goes back to the queue. */
export const RETRY_UNTIL_MS = ACTION_LIMIT_MS - 2 * MINUTE;
