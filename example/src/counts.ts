import type { Counts, DeliveryState, Endpoint } from "./types.js";

/** Accepted, and without an outcome so far. */
export function pendingOf(counts: Counts): number {
  return counts.accepted - counts.success - counts.failed - counts.canceled;
}

export function total(all: Counts[]): Counts {
  const sum = { accepted: 0, success: 0, failed: 0, canceled: 0, replaced: 0 };
  for (const counts of all) {
    sum.accepted += counts.accepted;
    sum.success += counts.success;
    sum.failed += counts.failed;
    sum.canceled += counts.canceled;
    sum.replaced += counts.replaced;
  }
  return sum;
}

export interface Matching {
  /** Deliveries that the filter lets through. */
  all: number;
  /** Of these, those without an outcome so far. */
  pending: number;
  /** Of these, those that have failed and can go on. */
  redeliverable: number;
}

export function matching(
  endpoints: readonly Endpoint[],
  { state, endpoint }: { state?: DeliveryState; endpoint?: string },
): Matching {
  const counts = total(
    endpoints
      .filter(({ name }) => endpoint === undefined || name === endpoint)
      .map((each) => each.counts),
  );
  const pending = pendingOf(counts);
  const redeliverable = counts.failed - counts.replaced;
  switch (state) {
    case undefined:
      return { all: counts.accepted, pending, redeliverable };
    case "open":
      return { all: pending, pending, redeliverable: 0 };
    case "failed":
      return { all: counts.failed, pending: 0, redeliverable };
    default:
      return { all: counts[state], pending: 0, redeliverable: 0 };
  }
}
