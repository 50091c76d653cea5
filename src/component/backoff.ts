/**
 * How long to wait before trying again. Every wait is jittered: works that
 * failed together must not come back together.
 */
import type { RetryPolicy } from "./shared.js";

/** A retry never waits longer than this, however often the base was multiplied. */
export const MAX_BACKOFF_MS = 365 * 24 * 60 * 60 * 1000;

/** With it, waits are spread from half of what the policy says to one and a half of it. */
const DEFAULT_JITTER = 0.5;

/**
 * Milliseconds until the next attempt after `endedAttempts` failed ones. Waits are
 * spread evenly around what the policy says, so that their mean is what it says.
 * Those of a list are exact unless it says otherwise.
 *
 * @param random uniform in [0, 1).
 */
export function retryBackoffMs(
  policy: RetryPolicy,
  endedAttempts: number,
  random: number,
): number {
  if ("intervalsMs" in policy) {
    const { intervalsMs, jitter = 0 } = policy;
    const nth = Math.min(endedAttempts, intervalsMs.length) - 1;
    return jittered(intervalsMs[nth]!, MAX_BACKOFF_MS, jitter, random);
  }
  const { initialBackoffMs, base, maxBackoffMs = MAX_BACKOFF_MS } = policy;
  // A power beyond all numbers is Infinity, and 0 times that no number at all.
  const growth = Math.min(Math.pow(base, endedAttempts - 1), Number.MAX_VALUE);
  const exponential = Math.min(initialBackoffMs * growth, Number.MAX_VALUE);
  const { jitter = DEFAULT_JITTER } = policy;
  return jittered(exponential, maxBackoffMs, jitter, random);
}

/** Doubling from `initialMs`, jittered the same way, never above `maxMs`. */
export function cappedBackoffMs(
  initialMs: number,
  maxMs: number,
  failures: number,
  random: number,
): number {
  const exponential = initialMs * Math.pow(2, Math.max(0, failures - 1));
  return jittered(exponential, maxMs, DEFAULT_JITTER, random);
}

/** Cut before it is jittered: what is cut after would all come back at the same time. */
function jittered(
  ms: number,
  maxMs: number,
  jitter: number,
  random: number,
): number {
  const mean = Math.min(ms, maxMs / (1 + jitter));
  return mean * (1 - jitter + 2 * jitter * random);
}
