/**
 * What the store and its transactions offer to the rest of the deployment.
 *
 * Documents live in tables, tables in namespaces. A namespace is a component
 * path ("" is the app, "workpool", "a/b" …); the deployment's own bookkeeping
 * lives in the namespace {@link DEPLOYMENT}. Tables whose name starts with "_"
 * are system tables: writable through this interface, read-only to functions.
 *
 * Everything is kept in memory, in ordered multi-version indexes, so reads are
 * synchronous; a commit is appended to SQLite (one row per transaction in a
 * write log, compacted at start) before it becomes visible. A point read or a
 * short range costs the same with 100 and with 100,000 documents.
 *
 * Values cross this interface as *Convex JSON* (what `convexToJson` of
 * "convex/values" returns: `{ $integer: … }`, `{ $bytes: … }`, …), since that is
 * what syscalls speak.
 */
import type { JSONValue } from "convex/values";

export type { JSONValue };
/** A commit timestamp: nanoseconds since the epoch, strictly increasing. */
export type Ts = bigint;
/** A component path. */
export type Namespace = string;
/** The namespace of the deployment's own tables. Never reachable from functions. */
export const DEPLOYMENT: Namespace = "_deployment";

export function isSystemTable(name: string): boolean {
  return name.startsWith("_");
}

export type JSONObject = { [key: string]: JSONValue };

/** An immutable committed (or own, uncommitted) document. */
export interface StoredDocument {
  readonly id: string;
  readonly table: string;
  readonly creationTime: number;
  /** The whole document as Convex JSON, `_id` and `_creationTime` included. */
  readonly value: JSONObject;
  /** `JSON.stringify(value)`, computed once. */
  readonly json: string;
  /** Size in bytes as Convex counts it (`getConvexSize`). */
  readonly size: number;
}

export interface IndexDefinition {
  /** Without the implicit ones: "by_id" and "by_creation_time" always exist. */
  name: string;
  /** Without the implicit trailing `_creationTime`. */
  fields: string[];
}

export interface TableDefinition {
  name: string;
  indexes: IndexDefinition[];
  /** Validator JSON of the documents (`validator.json` of convex/values), or null: anything goes. */
  documentType: JSONValue | null;
}

/** A schema as the CLI pushes it, reduced to what is supported. */
export interface SchemaDefinition {
  tables: TableDefinition[];
  /** `schemaValidation` and `strictTableNameTypes`: when false, documents are not checked. */
  validate: boolean;
}

/** One end of an index range: the values of a prefix of the index's fields. */
export type RangeExpression = {
  type: "Eq" | "Gt" | "Gte" | "Lt" | "Lte";
  fieldPath: string;
  value: JSONValue;
};

export interface ScanRequest {
  table: string;
  /** "by_id", "by_creation_time" or a declared one. */
  index: string;
  /** As NPM `index_range_builder_impl.ts` builds it; `{ $undefined: null }` stands for undefined. */
  range: RangeExpression[];
  order: "asc" | "desc";
  /** Resume strictly after this position (an opaque `Scan.position`). */
  after?: string | null;
  /** Stop at this position, inclusive (pagination's `endCursor`). */
  until?: string | null;
}

/** A scan in progress. Its read interval grows as it is consumed. */
export interface Scan {
  /** The next document, or null when the range is exhausted. */
  next(): StoredDocument | null;
  /** Opaque position after the last returned document; null before the first. */
  readonly position: string | null;
  /** Opaque position at the very end of the range. */
  readonly endPosition: string;
}

export interface Limits {
  documentsRead: number;
  bytesRead: number;
  /** Index ranges: every scan and every `get`. */
  databaseQueries: number;
  documentsWritten: number;
  bytesWritten: number;
  functionsScheduled: number;
  scheduledFunctionArgsBytes: number;
}
export type Usage = Limits;

export interface ReadInterval {
  /** `${namespace}/${table}/${index}` */
  index: string;
  /** Encoded keys, `from` inclusive, `to` exclusive; comparable with `<`. */
  from: string;
  to: string;
}

export interface ReadSet {
  /** Does this commit touch anything that was read? Returns the table's name, or null. */
  conflictsWith(commit: CommittedWrites): string | null;
  intervals(): Iterable<ReadInterval>;
}

export interface CommittedWrite {
  namespace: Namespace;
  table: string;
  id: string;
  before: StoredDocument | null;
  after: StoredDocument | null;
}
/** How one write moved one index: what read sets are tested against. */
export interface IndexChange {
  readonly namespace: Namespace;
  readonly table: string;
  /** `${namespace}/${table}/${index}`, as in {@link ReadInterval}. */
  readonly index: string;
  /** Encoded keys before and after; null where the document was or is not there. */
  readonly before: string | null;
  readonly after: string | null;
}
export interface CommittedWrites {
  ts: Ts;
  writes: CommittedWrite[];
  /**
   * All index keys that the writes touched. A change of a namespace's schema is in
   * here too, as a change of the index `${namespace}//schema`, which every
   * transaction that uses the namespace has read.
   */
  changes: IndexChange[];
}

/** Thrown by `commit` when a row that was read has changed since `beginTs`. */
export class WriteConflictError extends Error {
  constructor(
    readonly namespace: Namespace,
    readonly table: string,
  ) {
    super(
      `Documents read from or written to the "${table}" table changed while this mutation was being run and on every subsequent retry. Another call to this mutation changed the same document. See https://docs.convex.dev/error#1`,
    );
    this.name = "WriteConflictError";
  }
}

/** The disk did not do what it should. What was being committed is not. */
export class StorageError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "StorageError";
  }
}

/** What a function did wrong: it reaches the function as a catchable error with Convex's own text. */
export class DeveloperError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DeveloperError";
  }
}

/** A limit of Convex was exceeded. Catchable, but what was used stays used. */
export class LimitError extends DeveloperError {}

export interface Transaction {
  readonly beginTs: Ts;
  /**
   * The tables' metadata is read through the transaction too. Reading a table
   * that does not exist is empty; writing to it creates it (system code) or
   * throws a DeveloperError when the namespace's schema says so.
   */
  get(
    namespace: Namespace,
    id: string,
    options?: { table?: string; system?: boolean },
  ): StoredDocument | null;
  scan(namespace: Namespace, request: ScanRequest): Scan;
  count(namespace: Namespace, table: string): number;
  /** Returns the new id. `value` has no system fields. `{ $commitTs: null }` becomes an int64 at commit. */
  insert(namespace: Namespace, table: string, value: JSONObject): string;
  /** `patch`: `{ $undefined: null }` removes a field. Both throw a DeveloperError for an id that is not there. */
  patch(
    namespace: Namespace,
    id: string,
    value: JSONObject,
    options?: { table?: string },
  ): StoredDocument;
  replace(
    namespace: Namespace,
    id: string,
    value: JSONObject,
    options?: { table?: string },
  ): StoredDocument;
  remove(
    namespace: Namespace,
    id: string,
    options?: { table?: string },
  ): StoredDocument;
  /** The id in canonical form if it is one of `table` in this namespace, else null. No read dependency on documents. */
  normalizeId(namespace: Namespace, table: string, id: string): string | null;

  /**
   * Sub-transactions nest strictly. A rollback undoes writes and the writes'
   * counts of documents, keeps reads, usage of schedules and consumed
   * creation times (Convex does the same).
   */
  beginSub(limits?: Partial<Limits>): void;
  commitSub(): void;
  rollbackSub(): void;

  /**
   * A read-only view without own writes and without read dependencies; its reads
   * count. It shows what was committed `ageMs` before the begin snapshot, and the
   * begin snapshot itself by default, or where the older one is not retained.
   */
  staleView(ageMs?: number): Transaction;
  /** Counts a scheduled function against the limits. */
  countScheduled(argumentBytes: number): void;
  /** Used so far, and what remains under the innermost limits. */
  usage(): { used: Usage; remaining: Usage };
  readonly readSet: ReadSet;
  readonly hasWrites: boolean;
  /** Documents deleted or superseded that scans passed over (tombstones), for the benchmarks' honesty. */
  readonly tombstonesScanned: number;
}

export interface Database {
  readonly latestTs: Ts;
  /** A read-write transaction on the latest snapshot (or a read-only one at an older, still retained `at`). */
  begin(options?: { limits?: Partial<Limits>; at?: Ts }): Transaction;
  /**
   * Validates the read set against everything committed since `beginTs`, makes
   * the writes durable, applies them, tells the listeners. Synchronous: atomic
   * with respect to everything else in the process. Throws WriteConflictError.
   * A transaction without writes is never validated and returns its beginTs.
   */
  commit(transaction: Transaction): Ts;
  /** Called synchronously after each commit that wrote something. Returns an unsubscribe function. */
  onCommit(listener: (commit: CommittedWrites) => void): () => void;
  /** Whether the snapshot at `ts` can still be read. */
  retains(ts: Ts): boolean;
  /** The result of a query at `ts` is still right if nothing it read changed in (ts, latestTs]. Null when unknown (log trimmed). */
  changedSince(readSet: ReadSet, ts: Ts): boolean | null;

  /**
   * Within `transaction`: make the namespace's schema this one. Creates and drops
   * tables' indexes (backfilled at once), and checks every document against the
   * new validators; a document that does not fit throws a DeveloperError in the
   * words of Convex's CLI (table, id, what is wrong) and changes nothing.
   */
  applySchema(
    transaction: Transaction,
    namespace: Namespace,
    schema: SchemaDefinition | null,
  ): void;
  /** Drop everything of a namespace (a component that was unmounted). */
  dropNamespace(transaction: Transaction, namespace: Namespace): void;
  /** Tables of a namespace, with their numbers, for id validation in validators. */
  tables(namespace: Namespace): { name: string; number: number }[];
  close(): void;
}
