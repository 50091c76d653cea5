import { Workpool, type RetryBehavior } from "convex-workpool";
import { components } from "./_generated/api.js";

export const DEFAULT_PARALLELISM = 20;

/** All deliveries to all endpoints share this pool. */
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
