import type { Counts } from "./types.js";

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
