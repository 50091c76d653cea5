import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SeededRandomness, VirtualClock } from "../../src/clock.js";
import { type Database, openDatabase } from "../../src/storage/index.js";
import {
  APP,
  eq,
  inTransaction,
  insert,
  namesOf,
  query,
  USERS,
} from "./fixture.js";

let dir: string;
let databases: Database[];
let seed = 0;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "embedded-storage-"));
  databases = [];
});
afterEach(() => {
  for (const db of databases) db.close();
  rmSync(dir, { recursive: true, force: true });
});

function open(
  options: { startMs?: number; maxLogRows?: number } = {},
): Database {
  const db = openDatabase({
    dir,
    clock: new VirtualClock(options.startMs),
    randomness: new SeededRandomness(seed++),
    folding: {
      maxLogRows: options.maxLogRows ?? 1_000,
      maxLogLength: 1e9,
      batch: 10,
    },
  });
  databases.push(db);
  return db;
}

/** Everything a reader could see. */
function contents(db: Database) {
  const namespaces = [APP, "pool"];
  return namespaces.map((namespace) => [
    db.tables(namespace),
    db.tables(namespace).map(({ name }) => {
      const scan = db.begin().scan(namespace, {
        table: name,
        index: "by_creation_time",
        range: [],
        order: "asc",
      });
      const documents = [];
      for (let doc = scan.next(); doc !== null; doc = scan.next()) {
        documents.push([doc.json, doc.size, doc.creationTime]);
      }
      return documents;
    }),
  ]);
}

function fill(db: Database): string[] {
  inTransaction(db, (tx) => db.applySchema(tx, APP, USERS));
  const ids = ["ann", "bob", "cid"].map((name, age) =>
    insert(db, "users", { name, age, seen: { $commitTs: null } }),
  );
  inTransaction(db, (tx) => {
    tx.patch(APP, ids[0]!, { age: 99 });
    tx.remove(APP, ids[1]!);
    tx.insert("pool", "work", { bytes: { $bytes: "AQI=" } });
  });
  return ids;
}

describe("after it was closed and opened again, a database", () => {
  test.each([1_000, 0, 3])(
    "holds what was committed (log of %i rows)",
    (maxLogRows) => {
      const db = open({ maxLogRows });
      const ids = fill(db);
      insert(db, "notes", { text: "x" });
      const before = contents(db);
      db.close();
      for (let i = 0; i < 2; i++) {
        const again = open({ maxLogRows });
        expect(contents(again)).toEqual(before);
        const tx = again.begin();
        expect(tx.get(APP, ids[0]!)?.value.age).toBe(99);
        expect(tx.get(APP, ids[1]!)).toBe(null);
        again.close();
      }
    },
  );

  test("has its schema, indexes and table numbers", () => {
    const db = open();
    fill(db);
    db.close();
    const again = open();
    const old = query(again.begin(), {
      index: "by_age",
      range: [eq("age", 99)],
    });
    expect(namesOf(old)).toEqual(["ann"]);
    expect(() => insert(again, "users", {})).toThrow(
      "does not match the schema",
    );
    expect(again.tables(APP)).toEqual([{ name: "users", number: 10_001 }]);
    insert(again, "notes", {});
    expect(again.tables(APP)).toContainEqual({ name: "notes", number: 10_002 });
  });

  test("still has the tables that were emptied", () => {
    const db = open();
    const id = insert(db, "notes", {});
    inTransaction(db, (tx) => tx.remove(APP, id));
    const tables = db.tables(APP);
    db.close();
    const again = open();
    expect(again.tables(APP)).toEqual(tables);
    expect(again.begin().normalizeId(APP, "notes", id)).toBe(id);
  });

  test("goes on with later timestamps, even if the clock went back", () => {
    const db = open({ startMs: 5_000_000 });
    insert(db, "notes", { name: "first" });
    const { latestTs } = db;
    db.close();
    const again = open({ startMs: 1_000_000 });
    expect(again.latestTs).toBe(latestTs);
    insert(again, "notes", { name: "second" });
    expect(again.latestTs).toBe(latestTs + 1n);
    const notes = query(again.begin(), { table: "notes" });
    expect(namesOf(notes)).toEqual(["first", "second"]);
  });

  test("remembers its first timestamp though nothing was committed", () => {
    const db = open({ startMs: 5_000_000 });
    const { latestTs } = db;
    db.close();
    expect(open({ startMs: 1_000_000 }).latestTs).toBe(latestTs);
  });

  test("knows nothing of transactions that did not commit", () => {
    const db = open();
    const open1 = db.begin();
    open1.insert(APP, "notes", { name: "lost" });
    insert(db, "notes", { name: "kept" });
    db.close();
    expect(() => db.commit(open1)).toThrow("The database is closed.");
    expect(namesOf(query(open().begin(), { table: "notes" }))).toEqual([
      "kept",
    ]);
  });

  test("has forgotten a namespace that was dropped, and what came after is there", () => {
    const db = open();
    inTransaction(db, (tx) => tx.insert("pool", "work", { name: "old" }));
    inTransaction(db, (tx) => db.dropNamespace(tx, "pool"));
    inTransaction(db, (tx) => tx.insert("pool", "work", { name: "new" }));
    db.close();
    const again = open();
    const scan = again.begin().scan("pool", {
      table: "work",
      index: "by_creation_time",
      range: [],
      order: "asc",
    });
    expect(scan.next()?.value.name).toBe("new");
    expect(scan.next()).toBe(null);
  });
});

test("whatever was done, and whenever the log was folded, all of it is there after reopening", () => {
  const step = fc.oneof(
    fc.record({ op: fc.constant("insert" as const), table: fc.nat(2) }),
    fc.record({ op: fc.constant("patch" as const), pick: fc.nat(50) }),
    fc.record({ op: fc.constant("remove" as const), pick: fc.nat(50) }),
    fc.record({ op: fc.constant("drop" as const) }),
    fc.record({ op: fc.constant("reopen" as const) }),
  );
  const namespaces = [APP, "pool"];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(1), step), { minLength: 10, maxLength: 40 }),
      fc.nat(12),
      (steps, maxLogRows) => {
        rmSync(dir, { recursive: true, force: true });
        let db = open({ maxLogRows });
        let n = 0;
        let live: [string, string][] = [];
        for (const [which, step] of steps) {
          const namespace = namespaces[which]!;
          const [where, id] =
            "pick" in step ? (live[step.pick % live.length] ?? []) : [];
          if (step.op === "reopen") {
            const before = contents(db);
            db.close();
            db = open({ maxLogRows });
            expect(contents(db)).toEqual(before);
            continue;
          }
          inTransaction(db, (tx) => {
            if (step.op === "insert") {
              const table = ["notes", "users", "work"][step.table]!;
              live.push([namespace, tx.insert(namespace, table, { n: n++ })]);
            } else if (step.op === "drop") {
              db.dropNamespace(tx, namespace);
              live = live.filter(([other]) => other !== namespace);
            } else if (where !== undefined && id !== undefined) {
              if (step.op === "patch") tx.patch(where, id, { n: n++ });
              else {
                tx.remove(where, id);
                live = live.filter(([, other]) => other !== id);
              }
            }
          });
        }
        const documents = namespaces.flatMap((namespace) =>
          live
            .filter(([other]) => other === namespace)
            .map(([, id]) => db.begin().get(namespace, id)),
        );
        expect(documents).not.toContain(null);
        db.close();
      },
    ),
    { numRuns: 30 },
  );
});

test("the files do not grow with the number of commits", () => {
  const db = open({ maxLogRows: 20 });
  const id = insert(db, "notes", { text: "x".repeat(1_000) });
  for (let n = 0; n < 2_000; n++) {
    inTransaction(db, (tx) => tx.patch(APP, id, { n }));
  }
  db.close();
  // Two thousand versions of 1,000 characters would be two megabytes.
  expect(statSync(join(dir, "data.sqlite")).size).toBeLessThan(500_000);
  expect(open().begin().get(APP, id)?.value.n).toBe(1_999);
});

describe("a directory", () => {
  test("is refused while it is in use, and free again afterwards", () => {
    const db = open();
    expect(() => open()).toThrow(
      `The directory ${dir} is in use by another deployment (process ${process.pid}, since `,
    );
    insert(db, "notes", { name: "still works" });
    db.close();
    expect(open().begin().count(APP, "notes")).toBe(1);
  });

  test("is refused by another process, and holds everything acknowledged when that is killed", async () => {
    for (let round = 1; round <= 2; round++) {
      const acknowledged = await writeUntilKilled(round * 60);
      const db = open();
      const left = query(db.begin(), { table: "left" }).map(
        ({ value }) => value.n,
      );
      const right = query(db.begin(), { table: "right" }).map(
        ({ value }) => value.n,
      );
      // All or nothing, in order; the last may have been committed without having been printed.
      expect(left).toEqual(left.map((_, i) => i));
      expect(right).toEqual(left);
      expect(left.length).toBeGreaterThan(acknowledged);
      db.close();
    }
  }, 60_000);
});

/** Starts a writer, tries the lock, kills it after `count` more commits; the last number it printed. */
async function writeUntilKilled(count: number): Promise<number> {
  const writer = join(dirname(fileURLToPath(import.meta.url)), "writer.ts");
  const child = spawn(process.execPath, ["--import", "tsx", writer, dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise((resolve) => child.on("exit", resolve));
  let last = -1;
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    if (++lines === 1) expect(() => open()).toThrow("is in use");
    if (lines === count) child.kill("SIGKILL");
  }
  await exited;
  expect(lines).toBeGreaterThanOrEqual(count);
  return last;
}
