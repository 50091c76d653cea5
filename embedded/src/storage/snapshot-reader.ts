/**
 * Reading a snapshot, by id and by index. A transaction sees its own writes on top and
 * records what it reads; a stale view does neither.
 */
import { decodeId, orderKey, tableNumberOf } from "../values/index.js";
import type { Randomness } from "../seams.js";
import type { SortedMap } from "./btree.js";
import {
  BY_CREATION_TIME,
  BY_ID,
  type Catalog,
  type IndexState,
  type TableState,
} from "./catalog.js";
import type { Document } from "./document.js";
import { compileRange } from "./index-range.js";
import type { RecordedReads } from "./read-set.js";
import { IndexScan, type ScanHost } from "./scan.js";
import { DeveloperError } from "./types.js";
import type {
  Namespace,
  Scan,
  ScanRequest,
  StoredDocument,
  Ts,
  Usage,
} from "./types.js";
import type { UsageMeter } from "./usage.js";

/** What transactions need of the store. */
export interface TransactionStore {
  readonly randomness: Randomness;
  /** Throws when the versions that `seq` sees are no longer all there. */
  assertRetained(seq: number): void;
  /** The catalog of a namespace as of `seq`. */
  catalogAt(namespace: Namespace, seq: number): Catalog;
  /** The snapshot as of `ts`; null when it is not retained. */
  retainedSnapshot(ts: Ts): Snapshot | null;
  /** How many documents the table had as of `seq`. */
  countAt(table: TableState, seq: number): number;
}

export interface Snapshot {
  seq: number;
  ts: Ts;
}

export abstract class SnapshotReader implements ScanHost {
  abstract readonly reads: RecordedReads | null;
  abstract ownDocument(
    table: TableState,
    id: string,
  ): Document | null | undefined;
  abstract ownEntries(
    table: TableState,
    index: IndexState,
  ): SortedMap<Document | null> | null;
  abstract catalog(namespace: Namespace): Catalog;

  constructor(
    protected readonly store: TransactionStore,
    protected readonly snapshot: Snapshot,
    protected readonly meter: UsageMeter,
    protected readonly tombstones: { scanned: number },
  ) {}

  get seq(): number {
    return this.snapshot.seq;
  }

  get beginTs(): Ts {
    return this.snapshot.ts;
  }

  get tombstonesScanned(): number {
    return this.tombstones.scanned;
  }

  usage(): { used: Usage; remaining: Usage } {
    return { used: { ...this.meter.used }, remaining: this.meter.remaining() };
  }

  assertReadable(): void {
    this.store.assertRetained(this.snapshot.seq);
  }

  countQuery(): void {
    this.meter.query();
  }

  countRead(table: TableState, document: Document): void {
    if (!table.isSystem) this.meter.read(document.size);
  }

  countTombstones(count: number): void {
    this.tombstones.scanned += count;
  }

  get(
    namespace: Namespace,
    id: string,
    options: { table?: string; system?: boolean } = {},
  ): StoredDocument | null {
    const decoded = invalidArgument("db.get", () => decodeId(id));
    const table = this.catalog(namespace).byNumber.get(decoded.tableNumber);
    if (table === undefined) return null;
    checkTable("db.get", table, options.table);
    if (options.system !== undefined && options.system !== table.isSystem) {
      throw new DeveloperError(
        table.isSystem
          ? "System tables can only be accessed with db.system."
          : "User tables cannot be accessed with db.system.",
      );
    }
    return this.load(table, id);
  }

  /** Reads by id: a dependency, a range and, if it is there, a document. */
  protected load(table: TableState, id: string): Document | null {
    this.assertReadable();
    const key = orderKey(id);
    this.reads?.addPoint(table.byId.path, key);
    this.countQuery();
    const own = this.ownDocument(table, id);
    const document =
      own !== undefined ? own : table.byId.versions.get(key, this.seq);
    if (document !== null) this.countRead(table, document);
    return document;
  }

  scan(namespace: Namespace, request: ScanRequest): Scan {
    const catalog = this.catalog(namespace);
    const table = catalog.tables.get(request.table);
    const index = table?.indexes.get(request.index);
    const name = `${request.table}.${request.index}`;
    const implicit =
      request.index === BY_ID || request.index === BY_CREATION_TIME;
    if (index === undefined && (table !== undefined || !implicit)) {
      throw new DeveloperError(`Index ${name} not found.`);
    }
    const fields =
      index?.fields ?? (request.index === BY_ID ? [] : ["_creationTime"]);
    return new IndexScan(
      this,
      `${namespace}/${request.table}/${request.index}`,
      table === undefined || index === undefined ? null : { table, index },
      compileRange(name, fields, request.range),
      request.order,
      request.after ?? null,
      request.until ?? null,
    );
  }

  count(namespace: Namespace, tableName: string): number {
    this.assertReadable();
    const table = this.catalog(namespace).tables.get(tableName);
    this.reads?.addEverything(`${namespace}/${tableName}/${BY_ID}`);
    return table === undefined ? 0 : this.store.countAt(table, this.seq);
  }

  normalizeId(namespace: Namespace, table: string, id: string): string | null {
    const number = tableNumberOf(id);
    if (number === null) return null;
    const found = this.catalog(namespace).byNumber.get(number);
    return found?.name === table ? id : null;
  }
}

export function invalidArgument<T>(operation: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new DeveloperError(
      `Invalid argument \`id\` for \`${operation}\`: ${(error as Error).message}`,
    );
  }
}

export function checkTable(
  operation: string,
  table: TableState,
  expected: string | undefined,
): void {
  if (expected !== undefined && expected !== table.name) {
    throw new DeveloperError(
      `Invalid argument \`id\` for \`${operation}\`: expected to be an Id<"${expected}">, got Id<"${table.name}"> instead.`,
    );
  }
}
