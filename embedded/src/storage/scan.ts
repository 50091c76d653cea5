/**
 * A scan: the snapshot's documents of an index range merged with the transaction's own,
 * in order. What it records as read is the prefix that was consumed, so a document
 * behind the last one returned may change without a conflict.
 */
import type { IndexState, TableState } from "./catalog.js";
import type { Document } from "./document.js";
import type { KeyInterval } from "./index-range.js";
import type { GrowingRange, RecordedReads } from "./read-set.js";
import type { Scan, StoredDocument } from "./types.js";
import type { SortedMap } from "./btree.js";
import type { PageEntry } from "./versioned-index.js";

/** Most queries want one or two documents; long ones soon read in larger pages. */
const FIRST_PAGE = 4;
const LARGEST_PAGE = 128;

const END = "e";

/** What a scan needs from its transaction. */
export interface ScanHost {
  /** Throws once the snapshot is gone or the transaction is over. */
  assertReadable(): void;
  /** Null for a view that takes no dependencies. */
  readonly reads: RecordedReads | null;
  readonly seq: number;
  ownEntries(
    table: TableState,
    index: IndexState,
  ): SortedMap<Document | null> | null;
  countQuery(): void;
  countRead(table: TableState, document: Document): void;
  countTombstones(count: number): void;
}

export interface ScanSource {
  table: TableState;
  index: IndexState;
}

export class IndexScan implements Scan {
  private readonly from: string;
  private readonly to: string;
  private lastKey: string | null = null;
  private range: GrowingRange | null = null;
  private started = false;
  private done = false;

  private buffer: PageEntry[] = [];
  private consumed = 0;
  private pageSize = FIRST_PAGE;
  private bufferEnd: string | null = null;
  private snapshotExhausted = false;
  private deadAfter = 0;

  constructor(
    private readonly host: ScanHost,
    /** `${namespace}/${table}/${index}`, also of a table that does not exist. */
    private readonly path: string,
    private readonly source: ScanSource | null,
    interval: KeyInterval,
    private readonly order: "asc" | "desc",
    private readonly after: string | null,
    until: string | null,
  ) {
    let { from, to } = interval;
    if (after === END) {
      if (order === "asc") from = to;
      else to = from;
    } else if (after !== null) {
      const key = decodePosition(after);
      if (order === "asc") from = later(from, key + "\0");
      else to = earlier(to, key);
    }
    if (until !== null && until !== END) {
      const key = decodePosition(until);
      if (order === "asc") to = earlier(to, key + "\0");
      else from = later(from, key);
    }
    this.from = from;
    this.to = later(from, to);
  }

  get position(): string | null {
    return this.lastKey === null ? this.after : encodePosition(this.lastKey);
  }

  readonly endPosition = END;

  next(): StoredDocument | null {
    this.host.assertReadable();
    if (!this.started) {
      this.started = true;
      this.host.countQuery();
    }
    if (this.done) return null;
    const found = this.merged();
    if (found === null) {
      this.done = true;
      this.record(this.from, this.to);
      return null;
    }
    this.lastKey = found.key;
    if (this.order === "asc") this.record(this.from, found.key + "\0");
    else this.record(found.key, this.to);
    this.host.countRead(this.source!.table, found.document);
    return found.document;
  }

  private record(from: string, to: string): void {
    if (this.range !== null) this.range.widen(from, to);
    else if (this.host.reads !== null) {
      this.range = this.host.reads.addRange(this.path, from, to);
    }
  }

  private merged(): { key: string; document: Document } | null {
    if (this.source === null) return null;
    const { table, index } = this.source;
    const own = this.host.ownEntries(table, index);
    const committed = this.nextCommitted(own);
    const added = own === null ? null : this.nextOwn(own);
    if (
      committed !== null &&
      (added === null || this.precedes(committed.key, added.key))
    ) {
      this.consumed++;
      return committed;
    }
    return added;
  }

  private nextCommitted(
    own: SortedMap<Document | null> | null,
  ): PageEntry | null {
    for (;;) {
      const entry = this.buffer[this.consumed];
      if (entry === undefined) {
        if (this.snapshotExhausted) {
          this.host.countTombstones(this.deadAfter);
          this.deadAfter = 0;
          return null;
        }
        this.fill();
        continue;
      }
      if (entry.deadBefore > 0) {
        this.host.countTombstones(entry.deadBefore);
        entry.deadBefore = 0;
      }
      // Whatever the transaction wrote itself comes from its own entries.
      if (own?.has(entry.key) !== true) return entry;
      this.consumed++;
    }
  }

  private fill(): void {
    const [from, to] = this.rest(this.bufferEnd);
    const page = this.source!.index.versions.page(
      from,
      to,
      this.host.seq,
      this.order,
      this.pageSize,
    );
    this.buffer = page.entries;
    this.consumed = 0;
    this.bufferEnd = page.entries.at(-1)?.key ?? this.bufferEnd;
    this.snapshotExhausted = page.exhausted;
    this.deadAfter = page.deadAfter;
    this.pageSize = Math.min(this.pageSize * 4, LARGEST_PAGE);
  }

  private nextOwn(
    own: SortedMap<Document | null>,
  ): { key: string; document: Document } | null {
    const [from, to] = this.rest(this.lastKey);
    let pair =
      this.order === "asc"
        ? own.getPairOrNextHigher(from)
        : own.nextLowerPair(to);
    while (pair !== undefined) {
      const [key, document] = pair;
      if (this.order === "asc" ? key >= to : key < from) return null;
      if (document !== null) return { key, document };
      pair =
        this.order === "asc" ? own.nextHigherPair(key) : own.nextLowerPair(key);
    }
    return null;
  }

  /** What of the range lies behind `key`. */
  private rest(key: string | null): [string, string] {
    if (key === null) return [this.from, this.to];
    return this.order === "asc" ? [key + "\0", this.to] : [this.from, key];
  }

  private precedes(a: string, b: string): boolean {
    return this.order === "asc" ? a < b : a > b;
  }
}

function encodePosition(key: string): string {
  return "k" + Buffer.from(key, "latin1").toString("base64url");
}

function decodePosition(position: string): string {
  if (!position.startsWith("k")) {
    throw new Error(
      `${JSON.stringify(position)} is not a position of a scan: expected one that a scan gave out`,
    );
  }
  return Buffer.from(position.slice(1), "base64url").toString("latin1");
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}

function earlier(a: string, b: string): string {
  return a < b ? a : b;
}
