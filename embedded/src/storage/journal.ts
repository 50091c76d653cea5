/** Where commits are made durable. */
import type { JSONObject, Namespace, SchemaDefinition, Ts } from "./types.js";

/** One commit as it is written down. */
export interface JournalEntry {
  ts: Ts;
  /** Tables that have not been written down before: namespace, name, number. */
  tables: [Namespace, string, number][];
  /** Namespaces that lost all their documents, before anything else of this commit. */
  dropped: Namespace[];
  schemas: [Namespace, SchemaDefinition | null][];
  /** Namespace, table, id, document (null: deleted). */
  writes: [Namespace, string, string, JSONObject | null][];
}

/** Everything that was committed before, as of the last commit. */
export interface SavedState {
  /** Null in a new deployment. */
  ts: Ts | null;
  tables: Iterable<[Namespace, string, number]>;
  schemas: Iterable<[Namespace, SchemaDefinition | null]>;
  /** Namespace, table, document as JSON. */
  documents: Iterable<[Namespace, string, string]>;
}

export interface Journal {
  load(): SavedState;
  append(entry: JournalEntry): void;
  close(): void;
}

/** Forgets everything: for a deployment without a directory. */
export const NO_JOURNAL: Journal = {
  load: () => ({ ts: null, tables: [], schemas: [], documents: [] }),
  append: () => {},
  close: () => {},
};
