/** How many works the loop takes to be in flight at one executor, from the rows that say so. */
import type { StoredRow } from "../mirror.js";

/**
 * @param stats - Undefined: it has not reported, and has what it was started with.
 */
export function inFlightAt(
  { first }: StoredRow,
  stats: StoredRow | undefined,
  assigned: StoredRow | undefined,
): number {
  const delivered: number = stats?.cursor ?? first.length;
  const open: number = stats
    ? stats.open.reduce(
        (sum: number, { left }: { left: number[] }) => sum + left.length,
        0,
      )
    : first.length;
  return open + (assigned?.next ?? 0) - delivered;
}
