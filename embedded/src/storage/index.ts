import { type StoreOptions, Store } from "./database.js";
import {
  cannotBeOpened,
  type FoldingOptions,
  SqliteJournal,
} from "./sqlite-journal.js";
import type { Database } from "./types.js";

export interface OpenOptions extends StoreOptions {
  /** Where everything is kept, created when it does not exist. Without it, in memory only. */
  dir?: string;
  /** Told when the store cannot be written any more, and when it can again. */
  report?(message: string): void;
  /** When the write log is folded into the documents' table. */
  folding?: FoldingOptions;
}

/** Opens the store of a deployment. Throws when another process uses the directory. */
export function openDatabase(options: OpenOptions): Database {
  if (options.dir === undefined) return new Store(options);
  const { dir, report = () => {}, folding } = options;
  const journal = new SqliteJournal(dir, report, folding);
  try {
    return new Store(options, journal);
  } catch (error) {
    journal.close();
    throw cannotBeOpened(dir, error);
  }
}

export * from "./types.js";
export type { StoreOptions } from "./database.js";
export type { Retention } from "./commit-log.js";
export { DEFAULT_LIMITS } from "./usage.js";
