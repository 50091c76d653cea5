/** The store: snapshots for transactions, atomic commits, and who is told of them. */
import type { Clock, Randomness } from "../seams.js";
import type { Catalog, TableState } from "./catalog.js";
import {
  CommitLog,
  type CommitRecord,
  DEFAULT_RETENTION,
  type Retention,
} from "./commit-log.js";
import { commitRecord, journalEntry } from "./commit-record.js";
import { nextFloat } from "./creation-time.js";
import { restoreDocument } from "./document.js";
import { type Journal, NO_JOURNAL } from "./journal.js";
import { Namespaces } from "./namespaces.js";
import type { RecordedReads } from "./read-set.js";
import { applySchema, dropNamespace } from "./schema.js";
import type { Snapshot, TransactionStore } from "./snapshot-reader.js";
import { StoreTransaction } from "./transaction.js";
import { WriteConflictError } from "./types.js";
import type {
  CommittedWrites,
  Database,
  Limits,
  Namespace,
  ReadSet,
  SchemaDefinition,
  StoredDocument,
  TableDefinition,
  Transaction,
  Ts,
} from "./types.js";

export interface StoreOptions {
  clock: Clock;
  randomness: Randomness;
  /** System tables of every component's namespace (names start with "_"). */
  systemTables?: TableDefinition[];
  /** Tables of the DEPLOYMENT namespace. */
  deploymentTables?: TableDefinition[];
  retention?: Partial<Retention>;
}

export class Store implements Database, TransactionStore {
  readonly randomness: Randomness;
  private readonly clock: Clock;
  private readonly namespaces: Namespaces;
  private readonly log: CommitLog;
  private readonly listeners = new Set<(commit: CommittedWrites) => void>();
  /** Commits that listeners are still to be told of, or are being told of. */
  private readonly untold: CommitRecord[] = [];
  private newestCreationTime = 0;
  private closed = false;

  constructor(
    options: StoreOptions,
    private readonly journal: Journal = NO_JOURNAL,
  ) {
    this.clock = options.clock;
    this.randomness = options.randomness;
    this.namespaces = new Namespaces(
      options.systemTables ?? [],
      options.deploymentTables ?? [],
    );
    const savedTs = this.restore();
    this.log = new CommitLog(savedTs ?? this.clock.nowNs(), {
      ...DEFAULT_RETENTION,
      ...options.retention,
    });
    if (savedTs === null) {
      // Clients get to see this timestamp, so a restart must not go back behind it.
      this.journal.append({
        ts: this.latestTs,
        tables: [],
        dropped: [],
        schemas: [],
        writes: [],
      });
    }
  }

  get latestTs(): Ts {
    return this.log.latest.ts;
  }

  begin(options: { limits?: Partial<Limits>; at?: Ts } = {}): StoreTransaction {
    this.assertOpen();
    const { at } = options;
    const snapshot =
      at === undefined ? this.log.latest : this.retainedSnapshot(at);
    if (snapshot === null) {
      throw new Error(
        `The snapshot at ${at} is no longer retained: the latest is ${this.latestTs}`,
      );
    }
    return new StoreTransaction(
      this,
      { seq: snapshot.seq, ts: snapshot.ts },
      this.creationTime(),
      options.limits,
      snapshot.seq === this.log.latest.seq,
    );
  }

  commit(transaction: Transaction): Ts {
    this.assertOpen();
    if (!(transaction instanceof StoreTransaction)) {
      throw new Error("Only a transaction from begin() can be committed.");
    }
    transaction.assertReadable();
    if (!transaction.hasWrites) {
      transaction.finish();
      return transaction.beginTs;
    }
    this.validate(transaction);
    transaction.finish();

    const { seq, ts: previous } = this.log.latest;
    const now = this.clock.nowNs();
    const ts = now > previous ? now : previous + 1n;
    const record = commitRecord(transaction, seq + 1, ts);
    const entry = journalEntry(transaction, record, this.namespaces);
    this.journal.append(entry);
    this.namespaces.markSaved(entry.tables);
    this.apply(transaction, record);
    this.log.append(record);
    this.log.trim(now);
    this.notify(record);
    return ts;
  }

  retains(ts: Ts): boolean {
    return this.retainedSnapshot(ts) !== null;
  }

  onCommit(listener: (commit: CommittedWrites) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  changedSince(readSet: ReadSet, ts: Ts): boolean | null {
    const since = this.log.at(ts);
    const commits = since === null ? null : this.log.after(since.seq);
    if (commits === null) return null;
    return commits.some((commit) => readSet.conflictsWith(commit) !== null);
  }

  applySchema(
    transaction: Transaction,
    namespace: Namespace,
    schema: SchemaDefinition | null,
  ): void {
    applySchema(
      this.namespaces,
      transaction as StoreTransaction,
      namespace,
      schema,
    );
  }

  dropNamespace(transaction: Transaction, namespace: Namespace): void {
    dropNamespace(this.namespaces, transaction as StoreTransaction, namespace);
  }

  tables(namespace: Namespace): { name: string; number: number }[] {
    const { tables } = this.namespaces.current(namespace);
    return [...tables.values()]
      .map(({ name, number }) => ({ name, number }))
      .sort((a, b) => a.number - b.number);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.listeners.clear();
    this.journal.close();
  }

  assertRetained(seq: number): void {
    this.assertOpen();
    if (seq < this.log.oldestReadable) {
      throw new Error(
        "The transaction has been open for so long that its snapshot is no longer retained.",
      );
    }
  }

  catalogAt(namespace: Namespace, seq: number): Catalog {
    return this.namespaces.at(namespace, seq);
  }

  retainedSnapshot(at: Ts): Snapshot | null {
    const snapshot = this.log.at(at);
    return snapshot !== null && snapshot.seq >= this.log.oldestReadable
      ? snapshot
      : null;
  }

  countAt(table: TableState, seq: number): number {
    let count = table.byId.versions.size;
    for (const { changes } of this.log.after(seq) ?? []) {
      for (const { state, before, after } of changes) {
        if (state !== table.byId) continue;
        count += Number(before !== null) - Number(after !== null);
      }
    }
    return count;
  }

  /**
   * The time as of which a new transaction creates documents. It lies behind that of
   * every committed document, so that what was written one after the other sorts so
   * even while a virtual clock stands still.
   */
  private creationTime(): number {
    const now = Number(this.clock.nowNs()) / 1e6;
    return Math.max(now, nextFloat(this.newestCreationTime));
  }

  private assertOpen(): void {
    if (this.closed) throw new Error("The database is closed.");
  }

  private validate(transaction: StoreTransaction): void {
    const reads: RecordedReads = transaction.reads;
    for (const commit of this.log.after(transaction.seq) ?? []) {
      const conflict = reads.firstConflict(commit);
      if (conflict !== null) {
        transaction.abandon();
        throw new WriteConflictError(conflict.namespace, conflict.table);
      }
    }
  }

  private apply(transaction: StoreTransaction, record: CommitRecord): void {
    for (const { catalog } of transaction.catalogChanges.values()) {
      this.namespaces.install(catalog, record.seq, this.log.oldestReadable);
    }
    for (const { after } of record.writes) this.noteCreation(after);
    for (const { state, before, after, document } of record.changes) {
      if (state === null) continue;
      if (before !== null && before !== after) {
        state.versions.put(before, record.seq, null);
      }
      if (after !== null) state.versions.put(after, record.seq, document);
    }
  }

  private noteCreation(document: StoredDocument | null): void {
    if (document !== null && document.creationTime > this.newestCreationTime) {
      this.newestCreationTime = document.creationTime;
    }
  }

  /** A listener that commits itself is told of that commit after everybody knows of this one. */
  private notify(record: CommitRecord): void {
    this.untold.push(record);
    if (this.untold.length > 1) return;
    for (let next; (next = this.untold[0]) !== undefined; this.untold.shift()) {
      for (const listener of [...this.listeners]) {
        try {
          listener(next);
        } catch (error) {
          // The commit stands whatever a listener does; its bug must still be seen.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    }
  }

  private restore(): Ts | null {
    const saved = this.journal.load();
    const tables = [...saved.tables];
    for (const [namespace, table, number] of tables) {
      this.namespaces.restoreNumber(namespace, table, number);
    }
    for (const [namespace, schema] of saved.schemas) {
      this.namespaces.restoreSchema(namespace, schema);
    }
    for (const [namespace, table] of tables) {
      this.namespaces.current(namespace).ensure(table);
    }
    for (const [namespace, name, json] of saved.documents) {
      const table = this.namespaces.current(namespace).ensure(name);
      const document = restoreDocument(name, json);
      this.noteCreation(document);
      for (const index of table.indexes.values()) {
        index.versions.put(index.keyOf(document), 0, document);
      }
    }
    return saved.ts;
  }
}
