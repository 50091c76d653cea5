import type { Counts, DeliveryState, Endpoint } from "./types.js";

/** Accepted, and without an outcome so far. */
export function pendingOf(counts: Counts): number {
  return counts.accepted - counts.success - counts.failed - counts.canceled;
}

export function total(all: Counts[]): Counts {
  const sum = { accepted: 0, success: 0, failed: 0, canceled: 0 };
  for (const counts of all) {
    sum.accepted += counts.accepted;
    sum.success += counts.success;
    sum.failed += counts.failed;
    sum.canceled += counts.canceled;
  }
  return sum;
}

/** How many deliveries the filter lets through, and how many of them have no outcome yet. */
export function matching(
  endpoints: readonly Endpoint[],
  { state, endpoint }: { state?: DeliveryState; endpoint?: string },
): { all: number; pending: number } {
  const counts = total(
    endpoints
      .filter(({ name }) => endpoint === undefined || name === endpoint)
      .map((each) => each.counts),
  );
  const pending = pendingOf(counts);
  switch (state) {
    case undefined:
      return { all: counts.accepted, pending };
    case "open":
      return { all: pending, pending };
    default:
      return { all: counts[state], pending: 0 };
  }
}
