/** What outlives the deployment's process in a simulation, and how commits fail there. */
import { Store, type StoreOptions } from "../embedded/src/storage/database.js";
import type {
  Journal,
  JournalEntry,
  SavedState,
} from "../embedded/src/storage/journal.js";
import type { StoreTransaction } from "../embedded/src/storage/transaction.js";
import {
  type JSONObject,
  type Namespace,
  type SchemaDefinition,
  type Transaction,
  type Ts,
  WriteConflictError,
} from "../embedded/src/storage/types.js";

/** Keeps in memory what was committed, for the next process to start from. */
export class MemoryJournal implements Journal {
  private ts: Ts | null = null;
  private readonly tables: [Namespace, string, number][] = [];
  private readonly schemas = new Map<Namespace, SchemaDefinition | null>();
  private readonly documents = new Map<
    string,
    [Namespace, string, JSONObject]
  >();

  load(): SavedState {
    return {
      ts: this.ts,
      tables: this.tables,
      schemas: this.schemas,
      documents: [...this.documents.values()].map(
        ([namespace, table, document]) => [
          namespace,
          table,
          JSON.stringify(document),
        ],
      ),
    };
  }

  append({ ts, tables, schemas, writes }: JournalEntry): void {
    this.ts = ts;
    this.tables.push(...tables);
    for (const [namespace, schema] of schemas) {
      this.schemas.set(namespace, schema);
    }
    for (const [namespace, table, id, document] of writes) {
      const key = `${namespace}/${id}`;
      if (document === null) this.documents.delete(key);
      else this.documents.set(key, [namespace, table, document]);
    }
  }

  close(): void {}
}

/** A store in which transactions may lose a race that nobody else ran. */
export class ContestedStore extends Store {
  constructor(
    options: StoreOptions,
    journal: Journal,
    private readonly loses: () => boolean,
  ) {
    super(options, journal);
  }

  override commit(transaction: Transaction): Ts {
    if (transaction.hasWrites && this.loses()) {
      (transaction as StoreTransaction).abandon();
      throw new WriteConflictError("", "contested");
    }
    return super.commit(transaction);
  }

  /** For what must not fail: the simulation's own hand. */
  commitForSure(transaction: Transaction): Ts {
    return super.commit(transaction);
  }
}
