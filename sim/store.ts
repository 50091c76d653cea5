/** What outlives the deployment's process in a simulation, and how commits fail there. */
import { SystemError } from "../embedded/src/runtime/errors.js";
import { JOBS_TABLE } from "../embedded/src/scheduler/jobs.js";
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

export interface StoredJournal {
  ts: string;
  tables: [Namespace, string, number][];
  schemas: [Namespace, SchemaDefinition | null][];
  documents: [Namespace, string, JSONObject][];
}

/** Keeps in memory what was committed, for the next process to start from. */
export class MemoryJournal implements Journal {
  private ts: Ts | null = null;
  private readonly tables: [Namespace, string, number][] = [];
  private readonly schemas = new Map<Namespace, SchemaDefinition | null>();
  private readonly documents = new Map<
    string,
    [Namespace, string, JSONObject]
  >();

  /** All of it as JSON. */
  toJSON(): StoredJournal {
    return {
      ts: String(this.ts),
      tables: this.tables,
      schemas: [...this.schemas],
      documents: [...this.documents.values()],
    };
  }

  static fromJSON({
    ts,
    tables,
    schemas,
    documents,
  }: StoredJournal): MemoryJournal {
    const journal = new MemoryJournal();
    const writes = documents.map(
      ([namespace, table, document]): JournalEntry["writes"][number] => [
        namespace,
        table,
        document._id as string,
        document,
      ],
    );
    journal.append({ ts: BigInt(ts), tables, dropped: [], schemas, writes });
    return journal;
  }

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

/** How transactions fail in a history. */
export interface Contest {
  /** Does this one lose a race that nobody else ran? */
  loses(): boolean;
  /** Does the caller not learn that this one was committed? */
  losesReply(): boolean;
}

const REPLY_LOST = "Your request couldn't be completed. Try again later.";

/** A store whose commits may fail, or seem to. */
export class ContestedStore extends Store {
  constructor(
    options: StoreOptions,
    journal: Journal,
    private readonly contest: Contest,
  ) {
    super(options, journal);
  }

  override commit(transaction: Transaction): Ts {
    if (!transaction.hasWrites) return super.commit(transaction);
    if (this.contest.loses()) {
      (transaction as StoreTransaction).abandon();
      throw new WriteConflictError("", "contested");
    }
    let isFunctions = false;
    const stop = this.onCommit(({ writes }) => {
      // The scheduler's own bookkeeping is not told anything.
      isFunctions ||= writes.some(({ table }) => table !== JOBS_TABLE);
    });
    const ts = super.commit(transaction);
    stop();
    if (isFunctions && this.contest.losesReply()) {
      throw new SystemError("InternalServerError", REPLY_LOST);
    }
    return ts;
  }

  /** For what must not fail: the simulation's own hand. */
  commitForSure(transaction: Transaction): Ts {
    return super.commit(transaction);
  }
}
