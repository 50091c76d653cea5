/**
 * When a callback that fails is tried again, and for how long. Pure.
 *
 * The waits double from one second to seven minutes: 1, 2, 4 … 256 seconds, then three
 * times 7 minutes. So the last of thirteen tries comes about half an hour after the first,
 * which is time enough to mend the function.
 */
import { MINUTE, SECOND } from "../shared.js";

/** How often a callback is tried, unless somebody has it tried early. */
export const MAX_CALLBACK_ATTEMPTS = 13;

/**
 * A callback is not given up before this, however often `kick` has had it tried
 * meanwhile. The waits together take no less, whatever the dice say.
 */
const MIN_TRIED_MS = 25 * MINUTE;

/** A delivery this long overdue is not on its way any more. */
export const OVERDUE_MS = 10 * SECOND;

const FIRST_WAIT_MS = SECOND;
const LONGEST_WAIT_MS = 7 * MINUTE;
/** What failed together shall not come back together. More would only make the half hour vague. */
const MOST_JITTER_MS = MINUTE;

/**
 * Milliseconds until the next try.
 *
 * @param failures - How often it has failed, at least once.
 * @param random - Uniform in [0, 1).
 */
export function callbackWaitMs(failures: number, random: number): number {
  const wait = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS);
  return wait + (random - 0.5) * Math.min(wait, MOST_JITTER_MS);
}

/**
 * Whether it is not tried any more.
 *
 * @param triedForMs - Since the outcome was recorded.
 */
export function isGivenUp(failures: number, triedForMs: number): boolean {
  return failures >= MAX_CALLBACK_ATTEMPTS && triedForMs >= MIN_TRIED_MS;
}
