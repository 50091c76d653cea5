/**
 * One deployment per directory.
 *
 * The lock is a write transaction that stays open on a small SQLite file of its own, and
 * so a lock of the operating system: a killed process leaves nothing behind. It is apart
 * from the data because a connection that has prepared statements lives on after
 * `close()` until they are collected, and would keep the lock as long.
 */
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";

const FILE = "lock.sqlite";

/** Returns the function that unlocks. Throws when the directory is locked. */
export function lockDirectory(dir: string): () => void {
  const connection = new DatabaseSync(join(dir, FILE), { timeout: 0 });
  try {
    connection.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    connection.close();
    if (!/database is locked/.test((error as Error).message)) throw error;
    throw new Error(
      `The directory ${dir} is in use by another deployment. Stop that one first or use another directory.`,
      { cause: error },
    );
  }
  return () => connection.close();
}
