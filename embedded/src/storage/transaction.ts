/** A transaction: a snapshot, what was read of it, and what is to be written. */
import {
  checkIdentifier,
  decodeId,
  encodeId,
  orderKey,
} from "../values/index.js";
import type { SortedMap } from "./btree.js";
import { type Catalog, type IndexState, type TableState } from "./catalog.js";
import { nextFloat } from "./creation-time.js";
import {
  asDeveloperError,
  buildDocument,
  checkDocumentSize,
  type Document,
} from "./document.js";
import { isUndefined } from "./index-range.js";
import { WriteSet } from "./overlay.js";
import { RecordedReads } from "./read-set.js";
import { schemaError } from "./schema-check.js";
import {
  checkTable,
  invalidArgument,
  type Snapshot,
  SnapshotReader,
  type TransactionStore,
} from "./snapshot-reader.js";
import { StaleView } from "./stale-view.js";
import { DeveloperError, isSystemTable } from "./types.js";
import type {
  JSONObject,
  Limits,
  Namespace,
  ReadSet,
  StoredDocument,
  Transaction,
} from "./types.js";
import { UsageMeter } from "./usage.js";

type WriteOptions = { table?: string };

const NS_PER_MS = 1_000_000n;

/** A schema change or the end of a namespace, in force for its own transaction at once. */
export interface CatalogChange {
  catalog: Catalog;
  dropped: boolean;
}
export class StoreTransaction extends SnapshotReader implements Transaction {
  override readonly reads = new RecordedReads();
  readonly writes = new WriteSet();
  readonly catalogChanges = new Map<Namespace, CatalogChange>();
  private readonly catalogs = new Map<Namespace, Catalog>();
  private readonly subs: {
    mark: number;
    documentsWritten: number;
    bytesWritten: number;
  }[] = [];
  private over = false;

  constructor(
    store: TransactionStore,
    snapshot: Snapshot,
    /** Milliseconds since the epoch; later inserts take the next numbers. */
    private nextCreationTime: number,
    limits: Partial<Limits> | undefined,
    private readonly writable: boolean,
  ) {
    super(store, snapshot, new UsageMeter(limits), { scanned: 0 });
  }

  get readSet(): ReadSet {
    return this.reads;
  }

  get hasWrites(): boolean {
    return !this.writes.isEmpty || this.catalogChanges.size > 0;
  }

  /** Over without an effect, whatever is still open. */
  abandon(): void {
    this.over = true;
  }

  /** No reading or writing from here on. */
  finish(): void {
    if (this.subs.length > 0) {
      throw new Error(
        `${this.subs.length} sub-transactions are still open: commit or roll them back first`,
      );
    }
    this.over = true;
  }

  override assertReadable(): void {
    if (this.over)
      throw new Error(
        "The transaction is over: it was committed or met a conflict.",
      );
    super.assertReadable();
  }

  override catalog(namespace: Namespace): Catalog {
    const changed = this.catalogChanges.get(namespace);
    if (changed !== undefined) return changed.catalog;
    let catalog = this.catalogs.get(namespace);
    if (catalog === undefined) {
      catalog = this.store.catalogAt(namespace, this.seq);
      this.catalogs.set(namespace, catalog);
      this.reads.addEverything(catalog.schemaIndex);
    }
    return catalog;
  }

  changeCatalog(namespace: Namespace, change: CatalogChange): void {
    this.assertWritable();
    if (this.subs.length > 0) {
      throw new Error("Schemas cannot be changed in a sub-transaction.");
    }
    if (change.dropped) this.writes.forgetNamespace(namespace);
    this.catalogChanges.set(namespace, change);
  }

  override ownDocument(
    table: TableState,
    id: string,
  ): Document | null | undefined {
    return this.overlayOf(table)?.writes.get(id)?.after;
  }

  override ownEntries(
    table: TableState,
    index: IndexState,
  ): SortedMap<Document | null> | null {
    return this.overlayOf(table)?.entries(index) ?? null;
  }

  override count(namespace: Namespace, tableName: string): number {
    let count = super.count(namespace, tableName);
    const table = this.catalog(namespace).tables.get(tableName);
    const overlay = table === undefined ? null : this.overlayOf(table);
    for (const { before, after } of overlay?.writes.values() ?? []) {
      count += Number(after !== null) - Number(before !== null);
    }
    return count;
  }

  insert(namespace: Namespace, tableName: string, value: JSONObject): string {
    this.assertWritable();
    if (!isSystemTable(tableName)) {
      asDeveloperError(() => checkIdentifier(tableName));
    }
    const table = this.catalog(namespace).ensure(tableName);
    const id = encodeId(table.number, this.store.randomness.bytes(16));
    const creationTime = this.nextCreationTime;
    this.nextCreationTime = nextFloat(creationTime);
    const document = buildDocument(id, tableName, creationTime, value);
    this.reads.addPoint(table.byId.path, orderKey(id));
    this.write(table, null, document);
    return id;
  }

  patch(
    namespace: Namespace,
    id: string,
    value: JSONObject,
    options: WriteOptions = {},
  ): StoredDocument {
    const [table, old] = this.existing(
      "db.patch",
      "Update",
      namespace,
      id,
      options,
    );
    const fields: JSONObject = { ...old.value };
    for (const [field, content] of Object.entries(value)) {
      if (isUndefined(content)) delete fields[field];
      else fields[field] = content;
    }
    return this.update(table, old, fields);
  }

  replace(
    namespace: Namespace,
    id: string,
    value: JSONObject,
    options: WriteOptions = {},
  ): StoredDocument {
    const [table, old] = this.existing(
      "db.replace",
      "Replace",
      namespace,
      id,
      options,
    );
    return this.update(table, old, value);
  }

  remove(
    namespace: Namespace,
    id: string,
    options: WriteOptions = {},
  ): StoredDocument {
    const [table, old] = this.existing(
      "db.delete",
      "Delete",
      namespace,
      id,
      options,
    );
    this.write(table, old, null);
    return old;
  }

  countScheduled(argumentBytes: number): void {
    this.assertWritable();
    this.meter.schedule(argumentBytes);
  }

  beginSub(limits?: Partial<Limits>): void {
    const { documentsWritten, bytesWritten } = this.meter.used;
    this.meter.enter(limits);
    this.subs.push({
      mark: this.writes.mark(),
      documentsWritten,
      bytesWritten,
    });
  }

  commitSub(): void {
    this.endSub();
  }

  rollbackSub(): void {
    const { mark, documentsWritten, bytesWritten } = this.endSub();
    this.writes.rollBackTo(mark);
    Object.assign(this.meter.used, { documentsWritten, bytesWritten });
  }

  staleView(ageMs = 0): Transaction {
    const older =
      ageMs > 0
        ? this.store.retainedSnapshot(this.beginTs - BigInt(ageMs) * NS_PER_MS)
        : null;
    return new StaleView(
      this.store,
      older ?? this.snapshot,
      this.meter,
      this.tombstones,
    );
  }

  private endSub() {
    const sub = this.subs.pop();
    if (sub === undefined) throw new Error("No sub-transaction is open.");
    this.meter.leave();
    return sub;
  }

  private assertWritable(): void {
    this.assertReadable();
    if (!this.writable) {
      throw new Error("A transaction on an older snapshot is read-only.");
    }
  }

  private existing(
    operation: string,
    verb: string,
    namespace: Namespace,
    id: string,
    options: WriteOptions,
  ): [TableState, Document] {
    this.assertWritable();
    const decoded = invalidArgument(operation, () => decodeId(id));
    const table = this.catalog(namespace).byNumber.get(decoded.tableNumber);
    if (table === undefined) {
      throw new DeveloperError(
        `Invalid argument \`id\` for \`${operation}\`: Table for ID "${id}" not found`,
      );
    }
    checkTable(operation, table, options.table);
    const document = this.load(table, id);
    if (document === null) {
      throw new DeveloperError(`${verb} on nonexistent document ID ${id}`);
    }
    return [table, document];
  }

  private update(
    table: TableState,
    old: Document,
    fields: JSONObject,
  ): Document {
    const document = buildDocument(old.id, old.table, old.creationTime, fields);
    // Convex writes nothing when nothing changes.
    if (document.json === old.json) return old;
    this.write(table, old, document);
    return document;
  }

  private write(
    table: TableState,
    before: Document | null,
    after: Document | null,
  ): void {
    if (after !== null) this.enforceSchema(table, after);
    if (!table.isSystem) {
      if (after !== null) checkDocumentSize(after);
      this.meter.write(after?.size ?? 0);
    }
    this.writes.write(table, (after ?? before)!.id, before, after);
  }

  private enforceSchema(table: TableState, document: Document): void {
    const error = schemaError(table, document, this.catalog(table.namespace));
    if (error !== null) {
      throw new DeveloperError(
        `Failed to insert or update a document in table "${table.name}" because it does not match the schema: ${error}`,
      );
    }
  }

  private overlayOf(table: TableState) {
    return this.writes.ofTable(table);
  }
}
