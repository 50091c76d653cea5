/**
 * How long to wait before trying again. Every wait is jittered: works that
 * failed together must not come back together.
 */
import type { RetryBehavior } from "./shared.js";

/** A retry never waits longer than this, however often the base was multiplied. */
export const MAX_BACKOFF_MS = 365 * 24 * 60 * 60 * 1000;

/**
 * Milliseconds until the next attempt after `endedAttempts` failed ones: the
 * exponential backoff, spread evenly between 50 % and 100 % of itself plus half
 * of it again, so that its mean is what the options say.
 *
 * @param random uniform in [0, 1).
 */
export function retryBackoffMs(
  { initialBackoffMs, base }: RetryBehavior,
  endedAttempts: number,
  random: number,
): number {
  // A power beyond all numbers is Infinity, and 0 times that no number at all.
  const growth = Math.min(Math.pow(base, endedAttempts - 1), Number.MAX_VALUE);
  const exponential = Math.min(initialBackoffMs * growth, Number.MAX_VALUE);
  return jittered(exponential, MAX_BACKOFF_MS, random);
}

/** Doubling from `initialMs`, jittered the same way, never above `maxMs`. */
export function cappedBackoffMs(
  initialMs: number,
  maxMs: number,
  failures: number,
  random: number,
): number {
  const exponential = initialMs * Math.pow(2, Math.max(0, failures - 1));
  return jittered(exponential, maxMs, random);
}

/** Cut before it is jittered: what is cut after would all come back at the same time. */
function jittered(ms: number, maxMs: number, random: number): number {
  return Math.min(ms, maxMs / 1.5) * (0.5 + random);
}
