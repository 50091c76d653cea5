/** What waits to be started, and in which order. Pure; it knows nothing of executors. */

/** A queue entry as a turn sees it. */
export type WaitingEntry = {
  id: string;
  kind: "ready" | "later" | "isolated" | "long";
  /** Since when it could have started, in milliseconds since the epoch. */
  waitingSince: number;
  works: number;
};

/** The oldest first. Within a kind the given order is kept: cursors depend on it. */
export function merge(
  a: readonly WaitingEntry[],
  b: readonly WaitingEntry[],
): WaitingEntry[] {
  const merged: WaitingEntry[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (left && (!right || left.waitingSince <= right.waitingSince)) {
      merged.push(left);
      i += 1;
    } else {
      merged.push(right!);
      j += 1;
    }
  }
  return merged;
}
