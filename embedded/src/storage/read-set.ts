/**
 * What a transaction has read: for each index, points and intervals of keys. Another
 * commit conflicts when a key that it took away or added lies within.
 */
import { compareKeys } from "./btree.js";
import { EVERYTHING, type KeyInterval, pointInterval } from "./index-range.js";
import type {
  CommittedWrites,
  IndexChange,
  ReadInterval,
  ReadSet,
} from "./types.js";

class IndexReads {
  readonly points = new Set<string>();
  readonly ranges: KeyInterval[] = [];
  /** `ranges` in order and without overlap; null after one has grown. */
  private merged: KeyInterval[] | null = null;

  grew(): void {
    this.merged = null;
  }

  contains(key: string): boolean {
    if (this.points.has(key)) return true;
    const merged = (this.merged ??= merge(this.ranges));
    let low = 0;
    let high = merged.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (merged[middle]!.from <= key) low = middle + 1;
      else high = middle;
    }
    return low > 0 && key < merged[low - 1]!.to;
  }
}

/** An interval that a scan widens as it is consumed. */
export interface GrowingRange {
  widen(from: string, to: string): void;
}

export class RecordedReads implements ReadSet {
  private readonly indexes = new Map<string, IndexReads>();

  addPoint(index: string, key: string): void {
    this.of(index).points.add(key);
  }

  addRange(index: string, from: string, to: string): GrowingRange {
    const reads = this.of(index);
    const range = { from, to };
    reads.ranges.push(range);
    reads.grew();
    return {
      widen(from, to) {
        range.from = from;
        range.to = to;
        reads.grew();
      },
    };
  }

  addEverything(index: string): void {
    this.addRange(index, EVERYTHING.from, EVERYTHING.to);
  }

  conflictsWith(commit: CommittedWrites): string | null {
    return this.firstConflict(commit)?.table ?? null;
  }

  firstConflict(commit: CommittedWrites): IndexChange | null {
    for (const change of commit.changes) {
      const reads = this.indexes.get(change.index);
      if (reads === undefined) continue;
      if (change.before !== null && reads.contains(change.before))
        return change;
      if (
        change.after !== null &&
        change.after !== change.before &&
        reads.contains(change.after)
      ) {
        return change;
      }
    }
    return null;
  }

  *intervals(): Iterable<ReadInterval> {
    for (const [index, { points, ranges }] of this.indexes) {
      for (const key of points) yield { index, ...pointInterval(key) };
      for (const { from, to } of ranges) yield { index, from, to };
    }
  }

  private of(index: string): IndexReads {
    let reads = this.indexes.get(index);
    if (reads === undefined) {
      reads = new IndexReads();
      this.indexes.set(index, reads);
    }
    return reads;
  }
}

function merge(ranges: readonly KeyInterval[]): KeyInterval[] {
  const sorted = ranges
    .filter(({ from, to }) => from < to)
    .sort((a, b) => compareKeys(a.from, b.from));
  const merged: KeyInterval[] = [];
  for (const { from, to } of sorted) {
    const last = merged.at(-1);
    if (last === undefined || from > last.to) merged.push({ from, to });
    else if (to > last.to) last.to = to;
  }
  return merged;
}
