/**
 * Cursors over rows in the order of a time, for scans that take away what they
 * find at its beginning. Each scan that begins at the start of the index
 * again passes the tombstones of what was taken away for minutes; a cursor
 * begins behind them. Pure.
 *
 * A row may be written late, with an early time: that one must not lie behind
 * the cursor. What makes a cursor safe is that no row is ever written with a
 * time before the clock of the transaction that writes it:
 *
 *     time of the row ≥ clock when its transaction began
 *                     > clock of a scan that did not see it − LATE_MS
 *
 * The second holds since a row that a scan did not see was committed after the
 * scan's snapshot, and between the two lie at most a transaction's length, a
 * snapshot's age and the difference of two machines' clocks. Convex ends
 * transactions after about 16 seconds. So a cursor that is LATE_MS behind the
 * clock of every scan, and not beyond the first row that a scan left, has
 * nothing behind it.
 */
import { MINUTE } from "./shared.js";

/** Longer than a transaction, a stale snapshot's age and a skew of clocks take together. */
export const LATE_MS = MINUTE;

/**
 * Where a scan may begin (inclusive of it). Undefined: at the start of the index,
 * as on the first scan, and when the clock has gone back since the cursor was made.
 */
export function scanFrom(
  cursor: number | undefined,
  now: number,
): number | undefined {
  return cursor !== undefined && cursor <= now - LATE_MS ? cursor : undefined;
}

/** The next cursor, given the time of the first row that a scan left. Null: it left none. */
export function cursorAfter(firstLeft: number | null, now: number): number {
  return Math.min(firstLeft ?? Infinity, now - LATE_MS);
}
