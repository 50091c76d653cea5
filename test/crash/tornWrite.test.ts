/** A store whose files were cut off: what a power failure, or a full disk, may leave of the last write. */
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { SystemRandomness, WallClock } from "../../embedded/src/clock.js";
import {
  type Database,
  openDatabase,
} from "../../embedded/src/storage/index.js";
import { freshData, serve, temporaryDirectory } from "./fixture.js";
import { Moments } from "./moments.js";

const DATA = "data.sqlite";
const WAL = `${DATA}-wal`;
const COMMITS = 60;

function open(dir: string): Database {
  return openDatabase({
    dir,
    clock: new WallClock(),
    randomness: new SystemRandomness(),
    // Folding happens on the way, so that it too is cut off in the middle.
    folding: { maxLogRows: 9, maxLogLength: 1e9, batch: 5 },
  });
}

/** In each commit, one row into each of two tables: both are there, or neither. */
function commit(database: Database, number: number): void {
  const transaction = database.begin();
  const padding = "x".repeat((number * 97) % 4_000);
  transaction.insert("", "left", { number, padding });
  transaction.insert("", "right", { number });
  database.commit(transaction);
}

function numbers(database: Database, table: string): unknown[] {
  const scan = database
    .begin()
    .scan("", { table, index: "by_creation_time", range: [], order: "asc" });
  const found: unknown[] = [];
  for (let row = scan.next(); row !== null; row = scan.next())
    found.push(row.value.number);
  return found;
}

const upTo = (count: number) =>
  Array.from({ length: count }, (_, number) => number);

/** A store that nobody closed, and how long its log was after each commit. */
async function written(): Promise<{ dir: string; lengths: number[] }> {
  const dir = await temporaryDirectory();
  const database = open(path.join(dir, "original"));
  const lengths: number[] = [];
  for (let number = 0; number < COMMITS; number++) {
    commit(database, number);
    lengths.push(statSync(path.join(dir, "original", WAL)).size);
  }
  for (const file of [DATA, WAL]) {
    copyFileSync(path.join(dir, "original", file), path.join(dir, file));
  }
  database.close();
  return { dir, lengths };
}

function copyOf(dir: string): string {
  const copy = path.join(dir, "copy");
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy);
  for (const file of [DATA, WAL])
    copyFileSync(path.join(dir, file), path.join(copy, file));
  return copy;
}

test("a log cut off anywhere holds every commit before the cut, whole, and takes new ones", async () => {
  const moments = Moments.announced("torn writes");
  const { dir, lengths } = await written();
  const end = lengths.at(-1)!;
  const cuts = [
    end,
    end - 1,
    ...Array.from(
      { length: 150 },
      () => lengths[0]! + moments.below(end - lengths[0]!),
    ),
  ];
  for (const [index, cut] of cuts.entries()) {
    const copy = copyOf(dir);
    const wal = path.join(copy, WAL);
    if (index % 3 === 0) truncateSync(wal, cut);
    else {
      // Or it was never written, though the file is long enough.
      const bytes = readFileSync(wal);
      bytes.fill(index % 3 === 1 ? 0 : 0xa5, cut);
      writeFileSync(wal, bytes);
    }
    const safe = lengths.filter((length) => length <= cut).length;
    const database = open(copy);
    const left = numbers(database, "left");
    expect(left, `cut at ${cut}`).toEqual(upTo(left.length));
    expect(numbers(database, "right")).toEqual(left);
    // A commit is followed by folding: that may be what was cut off.
    expect(left.length - safe, `cut at ${cut}`).toBeOneOf([0, 1]);
    commit(database, left.length);
    database.close();
    const again = open(copy);
    expect(numbers(again, "right")).toEqual(upTo(left.length + 1));
    again.close();
  }
});

test("a data file that was cut off or overwritten is refused by name, and left as it is", async () => {
  const moments = Moments.announced("damaged files");
  const { dir } = await written();
  const original = open(copyOf(dir));
  original.close();
  // Closed, everything is in the one file.
  const whole = readFileSync(path.join(dir, "copy", DATA));
  let refused = 0;
  for (let i = 0; i < 60; i++) {
    const damaged = Buffer.from(whole);
    const at = 100 + moments.below(whole.length - 100);
    const bytes =
      i % 2 === 0
        ? damaged.subarray(0, at)
        : damaged.fill(0xa5, at, Math.min(at + 4_096, damaged.length));
    const copy = path.join(dir, "copy");
    for (const file of [WAL, `${DATA}-shm`])
      rmSync(path.join(copy, file), { force: true });
    writeFileSync(path.join(copy, DATA), bytes);
    let database: Database;
    try {
      database = open(copy);
    } catch (error) {
      refused += 1;
      expect(String(error)).toMatch(
        /^StorageError: The store in .*copy cannot be opened: .{10,}\. It was left as it is\.$/,
      );
      expect(readFileSync(path.join(copy, DATA)).equals(bytes)).toBe(true);
      continue;
    }
    // The damage was where nothing is.
    expect(numbers(database, "left")).toEqual(upTo(COMMITS));
    expect(numbers(database, "right")).toEqual(upTo(COMMITS));
    database.close();
  }
  expect(refused).toBeGreaterThan(0);
});

test.each([
  [
    "no database",
    DATA,
    "This is no database, but some text that was put here.",
  ],
  ["a directory in place of the data", DATA, null],
  ["something else than a key", "admin-key", "hunter2"],
])(
  "the process refuses %s, and says which file it is",
  async (_, file, text) => {
    const dataDir = await freshData();
    const victim = path.join(dataDir, file);
    rmSync(victim);
    for (const rest of [WAL, `${DATA}-shm`])
      rmSync(path.join(dataDir, rest), { force: true });
    if (text === null) mkdirSync(victim);
    else writeFileSync(victim, text.repeat(file === DATA ? 100 : 1));
    const { code, stdout, stderr } = await serve(dataDir).exit;
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(dataDir);
    expect(stderr).not.toContain("    at ");
    expect(stderr).not.toContain("hunter2");
  },
);
