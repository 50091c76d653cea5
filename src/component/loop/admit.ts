/** Which of the works that wait may start, and in which order. Pure; it knows nothing of executors. */
import type { View } from "./look.js";
import { committedAt, type EntryView } from "./scan.js";

/** A queue entry as a turn sees it. */
export type WaitingEntry = {
  id: string;
  kind: "ready" | "later" | "isolated" | "long";
  /** Since when it could have started, in milliseconds since the epoch. */
  waitingSince: number;
  works: number;
};

export type Admitted = {
  /** Ordinary and long ones, the oldest first. */
  entries: WaitingEntry[];
  /** Those in quarantine. */
  isolated: WaitingEntry[];
};

export function admit(
  view: Pick<View, "ready" | "due" | "long" | "isolated">,
): Admitted {
  const ordinary = merge(
    view.ready.map(waitingEntry),
    view.due.map(waitingEntry),
  );
  return {
    entries: merge(ordinary, view.long.map(waitingEntry)),
    isolated: view.isolated.map(waitingEntry),
  };
}

function waitingEntry(entry: EntryView): WaitingEntry {
  const { id, kind, works, dueAt } = entry;
  const waitingSince = kind === "ready" ? committedAt(entry) : dueAt;
  return { id, kind, works, waitingSince };
}

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
