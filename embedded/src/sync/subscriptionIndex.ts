/**
 * Finds what a commit touches among everything that was read and is being
 * watched. Points are looked up by key, so a document's readers are found at
 * once however many other documents are watched; only ranges are walked, index by
 * index.
 */
import type { CommittedWrites, ReadSet } from "../storage/types.js";

export interface Watched {
  readonly readSet: ReadSet;
}

interface Range {
  from: string;
  to: string;
}

class IndexWatch<W> {
  readonly points = new Map<string, Set<W>>();
  readonly ranges = new Map<W, Range[]>();

  get isEmpty(): boolean {
    return this.points.size === 0 && this.ranges.size === 0;
  }

  collect(key: string, found: Set<W>): void {
    for (const watched of this.points.get(key) ?? []) found.add(watched);
    for (const [watched, ranges] of this.ranges) {
      if (found.has(watched)) continue;
      if (ranges.some(({ from, to }) => from <= key && key < to)) {
        found.add(watched);
      }
    }
  }
}

export class SubscriptionIndex<W extends Watched> {
  readonly #indexes = new Map<string, IndexWatch<W>>();

  add(watched: W): void {
    for (const { index, from, to } of watched.readSet.intervals()) {
      const watch = this.#indexes.get(index) ?? new IndexWatch<W>();
      this.#indexes.set(index, watch);
      if (isPoint(from, to)) {
        const readers = watch.points.get(from) ?? new Set<W>();
        watch.points.set(from, readers.add(watched));
      } else {
        const ranges = watch.ranges.get(watched) ?? [];
        ranges.push({ from, to });
        watch.ranges.set(watched, ranges);
      }
    }
  }

  remove(watched: W): void {
    for (const { index, from, to } of watched.readSet.intervals()) {
      const watch = this.#indexes.get(index);
      if (watch === undefined) continue;
      if (isPoint(from, to)) {
        const readers = watch.points.get(from);
        readers?.delete(watched);
        if (readers?.size === 0) watch.points.delete(from);
      } else {
        watch.ranges.delete(watched);
      }
      if (watch.isEmpty) this.#indexes.delete(index);
    }
  }

  touchedBy(commit: CommittedWrites): Set<W> {
    const found = new Set<W>();
    for (const { index, before, after } of commit.changes) {
      const watch = this.#indexes.get(index);
      if (watch === undefined) continue;
      if (before !== null) watch.collect(before, found);
      if (after !== null && after !== before) watch.collect(after, found);
    }
    return found;
  }
}

/** The interval that holds nothing but the key `from`. */
function isPoint(from: string, to: string): boolean {
  return to.length === from.length + 1 && to === `${from}\0`;
}
