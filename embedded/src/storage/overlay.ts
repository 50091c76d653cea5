/**
 * A transaction's own writes, not yet committed: per table and, for the indexes that
 * the transaction scans, in the order of the index. A journal undoes the writes of a
 * sub-transaction that rolls back.
 */
import { sortedMap, type SortedMap } from "./btree.js";
import type { IndexState, TableState } from "./catalog.js";
import type { Document } from "./document.js";

export interface PendingWrite {
  /** As the transaction's snapshot has it. */
  before: Document | null;
  after: Document | null;
}

/** Null hides what the snapshot has under a key. */
type OwnEntries = SortedMap<Document | null>;

export class TableOverlay {
  readonly writes = new Map<string, PendingWrite>();
  private readonly ordered = new Map<IndexState, OwnEntries>();

  constructor(
    readonly namespace: string,
    readonly table: string,
  ) {}

  set(id: string, write: PendingWrite | undefined): void {
    const previous = this.writes.get(id);
    if (write === undefined) this.writes.delete(id);
    else this.writes.set(id, write);
    for (const [index, entries] of this.ordered) {
      if (previous !== undefined) withdraw(entries, index, previous);
      if (write !== undefined) enter(entries, index, write);
    }
  }

  /** Own entries in the order of `index`. */
  entries(index: IndexState): OwnEntries {
    let entries = this.ordered.get(index);
    if (entries === undefined) {
      entries = sortedMap<Document | null>();
      for (const write of this.writes.values()) enter(entries, index, write);
      this.ordered.set(index, entries);
    }
    return entries;
  }
}

function enter(entries: OwnEntries, index: IndexState, write: PendingWrite) {
  if (write.before !== null) entries.set(index.keyOf(write.before), null);
  if (write.after !== null) entries.set(index.keyOf(write.after), write.after);
}

function withdraw(entries: OwnEntries, index: IndexState, write: PendingWrite) {
  if (write.before !== null) entries.delete(index.keyOf(write.before));
  if (write.after !== null) entries.delete(index.keyOf(write.after));
}

export class WriteSet {
  /** By `${namespace}/${table}`: a schema change replaces the tables' state. */
  private readonly overlays = new Map<string, TableOverlay>();
  private readonly journal: {
    overlay: TableOverlay;
    id: string;
    previous: PendingWrite | undefined;
  }[] = [];

  get isEmpty(): boolean {
    for (const overlay of this.overlays.values()) {
      if (overlay.writes.size > 0) return false;
    }
    return true;
  }

  tables(): Iterable<TableOverlay> {
    return this.overlays.values();
  }

  ofTable(table: TableState): TableOverlay | null {
    return this.overlays.get(pathOf(table)) ?? null;
  }

  write(
    table: TableState,
    id: string,
    before: Document | null,
    after: Document | null,
  ): void {
    const path = pathOf(table);
    let overlay = this.overlays.get(path);
    if (overlay === undefined) {
      overlay = new TableOverlay(table.namespace, table.name);
      this.overlays.set(path, overlay);
    }
    const previous = overlay.writes.get(id);
    this.journal.push({ overlay, id, previous });
    overlay.set(id, { before: previous ? previous.before : before, after });
  }

  /** A mark to {@link rollBackTo}. */
  mark(): number {
    return this.journal.length;
  }

  rollBackTo(mark: number): void {
    while (this.journal.length > mark) {
      const { overlay, id, previous } = this.journal.pop()!;
      overlay.set(id, previous);
    }
  }

  forgetNamespace(namespace: string): void {
    for (const [path, overlay] of [...this.overlays]) {
      if (overlay.namespace === namespace) this.overlays.delete(path);
    }
  }
}

function pathOf(table: TableState): string {
  return table.byId.path;
}
