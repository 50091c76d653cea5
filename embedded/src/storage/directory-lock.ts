/**
 * One deployment per directory.
 *
 * The lock is a write transaction that stays open on a small SQLite file of its own, and
 * so a lock of the operating system: a killed process leaves nothing behind. It is apart
 * from the data because a connection that has prepared statements lives on after
 * `close()` until they are collected, and would keep the lock as long.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { StorageError } from "./types.js";

const FILE = "lock.sqlite";
/** Says who has the lock, or had it last. For people: nothing goes by it. */
const HOLDER_FILE = "lock-holder";

/** Returns the function that unlocks. Throws when the directory is locked. */
export function lockDirectory(dir: string): () => void {
  const connection = new DatabaseSync(join(dir, FILE), { timeout: 0 });
  try {
    connection.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    connection.close();
    if (!/database is locked/.test((error as Error).message)) throw error;
    throw new StorageError(
      `The directory ${dir} is in use by another deployment (${holder(dir)}). Stop that one first, or use another directory.`,
      { cause: error },
    );
  }
  noteHolder(dir);
  return () => connection.close();
}

function noteHolder(dir: string): void {
  const text = `process ${process.pid}, since ${new Date().toISOString()}\n`;
  try {
    writeFileSync(join(dir, HOLDER_FILE), text);
  } catch {
    // The disk may be full; whether that matters is for the store to say.
  }
}

function holder(dir: string): string {
  try {
    const text = readFileSync(join(dir, HOLDER_FILE), "utf8").trim();
    if (text !== "") return text;
  } catch {
    // It was not written yet, or could not be.
  }
  return "which has not said who it is";
}
