import { Workpool, type RetryBehavior } from "convex-workpool";
import { components } from "./_generated/api.js";

export const DEFAULT_PARALLELISM = 20;

/**
 * All deliveries to all endpoints share this pool. It keeps failed works for seven days,
 * which is its default: so long they can be redelivered as the same work.
 */
export const pool = new Workpool(components.workpool, {
  maxParallelism: DEFAULT_PARALLELISM,
});

/**
 * Seven retries after 0.5, 1, 2 … 32 seconds: a receiver may be away for a
 * minute without losing anything.
 */
export const DELIVERY_RETRY: RetryBehavior = {
  maxAttempts: 8,
  initialBackoffMs: 500,
  base: 2,
};

/**
 * For what an attempt does beside waiting for the receiver: two calls, and up to ten
 * seconds until a deployment that is full has room for it.
 */
const SLACK_MS = 15_000;

/**
 * How long the pool lets an attempt take. An attempt gives up on its receiver by itself,
 * well before, and says so better; this is for one that hangs elsewhere. The deliveries of an event
 * are one batch with the same options, so it is the longest that any of them may need.
 */
export function attemptTimeoutMs(
  endpoints: readonly { timeoutMs: number }[],
): number {
  const longest = Math.max(0, ...endpoints.map(({ timeoutMs }) => timeoutMs));
  return longest + SLACK_MS;
}
