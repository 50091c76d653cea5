/**
 * The journal in SQLite: a log with one row per commit, folded bit by bit into a table
 * of the current documents so that it stays short.
 *
 * With WAL and `synchronous = NORMAL` a commit survives the death of the process at
 * once, and a power failure from the next checkpoint on, which is enough for what this
 * deployment is for and saves a disk flush per commit.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { lockDirectory } from "./directory-lock.js";
import type { Journal, JournalEntry, SavedState } from "./journal.js";
import {
  type Namespace,
  type SchemaDefinition,
  StorageError,
} from "./types.js";

const FORMAT = 1;
const FILE = "data.sqlite";

export interface FoldingOptions {
  /** The log is folded once it has more rows … */
  maxLogRows: number;
  /** … or more characters than this. */
  maxLogLength: number;
  /** How many rows are folded together; it bounds the pause that a commit can see. */
  batch: number;
}

export const DEFAULT_FOLDING: FoldingOptions = {
  maxLogRows: 10_000,
  maxLogLength: 64 * 1024 * 1024,
  batch: 256,
};

type SerializedEntry = Omit<JournalEntry, "ts"> & { ts: string };

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS log (
    seq INTEGER PRIMARY KEY,
    body TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS tables (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (namespace, name)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS schemas (
    namespace TEXT PRIMARY KEY,
    body TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS documents (
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (namespace, id)
  ) WITHOUT ROWID;
`;

export class SqliteJournal implements Journal {
  private readonly unlock: () => void;
  private readonly db: InstanceType<typeof DatabaseSync>;
  private readonly statements;
  private logRows = 0;
  private logLength = 0;

  /** What was wrong with the last write, if anything. */
  private trouble: string | null = null;

  /** @param report Is told when writing begins to fail, and when it goes on. */
  constructor(
    private readonly dir: string,
    private readonly report: (message: string) => void,
    private readonly folding: FoldingOptions = DEFAULT_FOLDING,
  ) {
    let unlock = () => {};
    try {
      mkdirSync(dir, { recursive: true });
      unlock = lockDirectory(dir);
      this.db = openData(join(dir, FILE));
    } catch (error) {
      unlock();
      throw cannotBeOpened(dir, error);
    }
    this.unlock = unlock;
    const prepare = (sql: string) => this.db.prepare(sql);
    this.statements = {
      append: prepare("INSERT INTO log (body) VALUES (?)"),
      oldest: prepare("SELECT seq, body FROM log ORDER BY seq LIMIT ?"),
      forget: prepare("DELETE FROM log WHERE seq <= ?"),
      setMeta: prepare(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
      ),
      getMeta: prepare("SELECT value FROM meta WHERE key = ?"),
      setTable: prepare(
        "INSERT INTO tables VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      ),
      setSchema: prepare(
        "INSERT INTO schemas VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
      ),
      setDocument: prepare(
        "INSERT INTO documents VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
      ),
      deleteDocument: prepare(
        "DELETE FROM documents WHERE namespace = ? AND id = ?",
      ),
      dropNamespace: prepare("DELETE FROM documents WHERE namespace = ?"),
    };
  }

  load(): SavedState {
    try {
      while (this.fold() > 0);
    } catch (error) {
      throw cannotBeOpened(this.dir, error);
    }
    this.logRows = 0;
    this.logLength = 0;
    const ts = this.statements.getMeta.get("ts") as
      { value: string } | undefined;
    return {
      ts: ts === undefined ? null : BigInt(ts.value),
      tables: this.rows("SELECT namespace, name, number FROM tables", (row) => [
        row.namespace as Namespace,
        row.name as string,
        row.number as number,
      ]),
      schemas: this.rows("SELECT namespace, body FROM schemas", (row) => [
        row.namespace as Namespace,
        JSON.parse(row.body as string) as SchemaDefinition | null,
      ]),
      documents: this.rows(
        "SELECT namespace, name, body FROM documents",
        (row) => [
          row.namespace as Namespace,
          row.name as string,
          row.body as string,
        ],
      ),
    };
  }

  append(entry: JournalEntry): void {
    const serialized: SerializedEntry = { ...entry, ts: String(entry.ts) };
    const body = JSON.stringify(serialized);
    try {
      this.statements.append.run(body);
    } catch (error) {
      this.note(messageOf(error));
      throw new StorageError(
        `The deployment could not write this down, and has undone it: ${messageOf(error)}`,
        { cause: error },
      );
    }
    this.logRows++;
    this.logLength += body.length;
    const isLong =
      this.logRows > this.folding.maxLogRows ||
      this.logLength > this.folding.maxLogLength;
    // The commit is written down. If there is no room to fold, the log stays long.
    this.note(isLong ? this.tryTo(() => this.fold()) : null);
  }

  close(): void {
    // A log that could not be folded into the file is still beside it.
    this.tryTo(() => this.db.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
    this.db.close();
    this.unlock();
  }

  /** Null, or what went wrong. */
  private tryTo(write: () => void): string | null {
    try {
      write();
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  private note(trouble: string | null): void {
    if (trouble === this.trouble) return;
    this.trouble = trouble;
    this.report(
      trouble === null
        ? `The store in ${this.dir} can be written again.`
        : `The store in ${this.dir} cannot be written: ${trouble}. What was committed before is safe; everything else is refused until this is mended.`,
    );
  }

  /** Moves the oldest rows of the log to where they belong; returns how many. */
  private fold(): number {
    const rows = this.statements.oldest.all(this.folding.batch) as {
      seq: number;
      body: string;
    }[];
    const last = rows.at(-1);
    if (last === undefined) return 0;
    this.db.exec("BEGIN");
    try {
      for (const { body } of rows) this.foldEntry(JSON.parse(body));
      this.statements.forget.run(last.seq);
      this.db.exec("COMMIT");
    } catch (error) {
      // SQLite may have rolled back already, as it does for want of room.
      this.tryTo(() => this.db.exec("ROLLBACK"));
      throw error;
    }
    this.logRows -= rows.length;
    for (const { body } of rows) this.logLength -= body.length;
    return rows.length;
  }

  private foldEntry(entry: SerializedEntry): void {
    const { statements } = this;
    for (const table of entry.tables) statements.setTable.run(...table);
    for (const namespace of entry.dropped) {
      statements.dropNamespace.run(namespace);
    }
    for (const [namespace, schema] of entry.schemas) {
      statements.setSchema.run(namespace, JSON.stringify(schema));
    }
    for (const [namespace, table, id, document] of entry.writes) {
      if (document === null) statements.deleteDocument.run(namespace, id);
      else {
        const body = JSON.stringify(document);
        statements.setDocument.run(namespace, id, table, body);
      }
    }
    statements.setMeta.run("ts", entry.ts);
  }

  private *rows<T>(
    sql: string,
    convert: (row: Record<string, unknown>) => T,
  ): Iterable<T> {
    for (const row of this.db.prepare(sql).iterate()) {
      yield convert(row as Record<string, unknown>);
    }
  }
}

function openData(file: string): InstanceType<typeof DatabaseSync> {
  const db = new DatabaseSync(file);
  try {
    db.exec("PRAGMA journal_mode = WAL");
    db.exec("PRAGMA synchronous = NORMAL");
    const { user_version: format } = db
      .prepare("PRAGMA user_version")
      .get() as { user_version: number };
    if (format !== 0 && format !== FORMAT) {
      throw new Error(
        `${file} has format ${format}, but this version reads format ${FORMAT}: use another directory`,
      );
    }
    if (format !== FORMAT) {
      db.exec(SCHEMA);
      db.exec(`PRAGMA user_version = ${FORMAT}`);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function messageOf(error: unknown): string {
  return (error as Error).message;
}

/** Whatever is wrong with the files: where they are, and that nobody has touched them. */
export function cannotBeOpened(dir: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  return new StorageError(
    `The store in ${dir} cannot be opened: ${messageOf(error)}. It was left as it is.`,
    { cause: error },
  );
}
