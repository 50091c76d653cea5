/**
 * One ordered index over all retained versions of a table.
 *
 * Each key holds its newest version and, while a reader may still need them, the older
 * ones; a version without a document is a tombstone. Versions carry the number of the
 * commit that wrote them (`seq`), and a reader sees the newest one not after its own.
 */
import { compareKeys, sortedMap, type SortedMap } from "./btree.js";
import type { Document } from "./document.js";

interface Version {
  seq: number;
  document: Document | null;
}

interface Slot extends Version {
  /** Oldest first. Null when there is nothing but the newest version. */
  older: Version[] | null;
}

export interface PageEntry {
  key: string;
  document: Document;
  /** Deleted and superseded documents between the entry before and this one. */
  deadBefore: number;
}

export interface Page {
  entries: PageEntry[];
  /** The same behind the last entry; only meaningful when exhausted. */
  deadAfter: number;
  exhausted: boolean;
}

export class VersionedIndex {
  private readonly slots: SortedMap<Slot>;
  private live = 0;

  constructor(compare: (a: string, b: string) => number = compareKeys) {
    this.slots = sortedMap<Slot>(compare);
  }

  /** How many documents the newest versions hold. */
  get size(): number {
    return this.live;
  }

  /** Keys with retained versions, tombstones included. */
  get retainedKeys(): number {
    return this.slots.size;
  }

  put(key: string, seq: number, document: Document | null): void {
    const slot = this.slots.get(key);
    if (slot === undefined) {
      if (document === null) return;
      this.slots.set(key, { seq, document, older: null });
      this.live++;
      return;
    }
    this.live += Number(document !== null) - Number(slot.document !== null);
    (slot.older ??= []).push({ seq: slot.seq, document: slot.document });
    slot.seq = seq;
    slot.document = document;
  }

  get(key: string, seq: number): Document | null {
    const slot = this.slots.get(key);
    return slot === undefined ? null : (visible(slot, seq)?.document ?? null);
  }

  /** The first `limit` documents of `[from, to)` that a reader at `seq` sees. */
  page(
    from: string,
    to: string,
    seq: number,
    order: "asc" | "desc",
    limit: number,
  ): Page {
    const entries: PageEntry[] = [];
    let dead = 0;
    if (from >= to) return { entries, deadAfter: 0, exhausted: true };
    const reused: (string | Slot)[] = [];
    const pairs =
      order === "asc"
        ? this.slots.entries(from, reused)
        : this.slots.entriesReversed(to, reused, true);
    for (const [key, slot] of pairs) {
      if (order === "asc" ? key >= to : key < from) break;
      const version = visible(slot, seq);
      if (version === null) continue;
      dead += deadVersions(slot, version);
      if (version.document === null) continue;
      entries.push({ key, document: version.document, deadBefore: dead });
      dead = 0;
      if (entries.length === limit) {
        return { entries, deadAfter: 0, exhausted: false };
      }
    }
    return { entries, deadAfter: dead, exhausted: true };
  }

  /** Every document of the newest versions, in order. */
  *documents(): Iterable<Document> {
    for (const slot of this.slots.values()) {
      if (slot.document !== null) yield slot.document;
    }
  }

  /** Forgets versions of `key` that no reader at or after `seq` can see. */
  trim(key: string, seq: number): void {
    const slot = this.slots.get(key);
    if (slot === undefined) return;
    if (slot.seq <= seq) {
      if (slot.document === null) this.slots.delete(key);
      else slot.older = null;
      return;
    }
    const older = slot.older;
    if (older === null) return;
    while (older.length > 1 && older[1]!.seq <= seq) older.shift();
    const oldest = older[0];
    if (oldest !== undefined && oldest.document === null && oldest.seq <= seq) {
      older.shift();
    }
    if (older.length === 0) slot.older = null;
  }
}

function visible(slot: Slot, seq: number): Version | null {
  if (slot.seq <= seq) return slot;
  const older = slot.older;
  if (older === null) return null;
  for (let i = older.length - 1; i >= 0; i--) {
    if (older[i]!.seq <= seq) return older[i]!;
  }
  return null;
}

/** How many deleted or superseded documents lie under the key beside the one seen. */
function deadVersions(slot: Slot, seen: Version): number {
  const older = slot.older;
  if (older === null) return 0;
  return seen === slot ? older.length : older.indexOf(seen);
}
