import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareKeys } from "../../src/storage/btree.js";
import { type Document, restoreDocument } from "../../src/storage/document.js";
import { VersionedIndex } from "../../src/storage/versioned-index.js";
import {
  APP,
  eq,
  inTransaction,
  insert,
  openFixture,
  openWithUsers,
  query,
} from "./fixture.js";

describe("older snapshots", () => {
  test("can be read as long as they are retained", async () => {
    const { db, clock } = openFixture({ retention: { ms: 1_000, commits: 0 } });
    const id = insert(db, "notes", { version: 1 });
    const ts = db.latestTs;
    await clock.advance(5_000);
    // Nothing was committed since, so it is still the latest.
    expect(db.begin({ at: ts }).get(APP, id)?.value.version).toBe(1);
    inTransaction(db, (tx) => tx.patch(APP, id, { version: 2 }));
    const old = db.begin({ at: ts });
    expect(old.get(APP, id)?.value.version).toBe(1);
    expect(db.begin({ at: db.latestTs }).get(APP, id)?.value.version).toBe(2);
    expect(() => old.insert(APP, "notes", {})).toThrow("is read-only");

    await clock.advance(5_000);
    insert(db, "notes", {});
    expect(() => db.begin({ at: ts })).toThrow("is no longer retained");
    expect(() => old.get(APP, id)).toThrow("no longer retained");
  });

  test("show counts and ranges of their time", () => {
    const { db } = openWithUsers();
    const stamps = [db.latestTs];
    for (let age = 1; age <= 5; age++) {
      insert(db, "users", { name: "x", age });
      stamps.push(db.latestTs);
    }
    for (const [expected, at] of stamps.entries()) {
      const tx = db.begin({ at });
      expect(tx.beginTs).toBe(at);
      expect(tx.count(APP, "users")).toBe(expected);
      expect(query(tx, { index: "by_age" })).toHaveLength(expected);
    }
  });

  test("make changedSince answer null once the log no longer reaches back", async () => {
    const { db, clock } = openFixture({ retention: { ms: 1_000, commits: 2 } });
    const id = insert(db, "notes", {});
    const reader = db.begin();
    reader.get(APP, id);
    const { readSet, beginTs } = reader;
    for (let i = 0; i < 2; i++) {
      await clock.advance(5_000);
      insert(db, "notes", {});
    }
    expect(db.changedSince(readSet, beginTs)).toBe(false);
    await clock.advance(5_000);
    insert(db, "notes", {});
    expect(db.changedSince(readSet, beginTs)).toBe(null);
  });

  test("fail the commit of a transaction that is older than the log", async () => {
    const { db, clock } = openFixture({ retention: { ms: 1_000, commits: 0 } });
    insert(db, "notes", {});
    const tx = db.begin();
    tx.insert(APP, "notes", {});
    insert(db, "notes", {});
    await clock.advance(5_000);
    insert(db, "notes", {});
    expect(() => db.commit(tx)).toThrow("no longer retained");
  });
});

describe("tombstones", () => {
  test("of deleted and superseded rows are counted as scans pass over them", () => {
    const { db } = openWithUsers();
    const ids = [1, 2, 3, 4].map((age) =>
      insert(db, "users", { name: "x", age }),
    );
    inTransaction(db, (tx) => {
      tx.remove(APP, ids[0]!);
      tx.remove(APP, ids[1]!);
    });
    inTransaction(db, (tx) => tx.patch(APP, ids[3]!, { name: "y" }));
    const first = db.begin();
    query(first, { index: "by_age", take: 1 });
    expect(first.tombstonesScanned).toBe(2);
    const exhausted = db.begin();
    query(exhausted, { index: "by_age" });
    // The old version of the fourth shares its key with the new one.
    expect(exhausted.tombstonesScanned).toBe(3);
    const elsewhere = db.begin();
    query(elsewhere, { index: "by_age", range: [eq("age", 3)] });
    expect(elsewhere.tombstonesScanned).toBe(0);
  });

  test("are gone with the retention time", async () => {
    const { db, clock } = openFixture({ retention: { ms: 1_000, commits: 0 } });
    for (let i = 0; i < 10; i++) {
      const id = insert(db, "notes", {});
      inTransaction(db, (tx) => tx.remove(APP, id));
    }
    await clock.advance(5_000);
    insert(db, "notes", {});
    const tx = db.begin();
    expect(query(tx, { table: "notes" })).toHaveLength(1);
    expect(tx.tombstonesScanned).toBe(0);
  });
});

function documentOf(name: number): Document {
  return restoreDocument("t", JSON.stringify({ _id: "x", name }));
}

describe("a versioned index", () => {
  test("shows every retained snapshot what it held, however much is trimmed", () => {
    const change = fc.record({
      key: fc.constantFrom("a", "b", "c"),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 30 }),
        fc.nat(30),
        (changes, cut) => {
          const index = new VersionedIndex();
          const history: Record<string, Document>[] = [{}];
          for (const [i, { key, remove }] of changes.entries()) {
            const next = { ...history.at(-1)! };
            const document = remove ? null : documentOf(i);
            // As the store does: what is not there is not removed.
            if (document === null && next[key] === undefined) {
              history.push(next);
              continue;
            }
            index.put(key, i + 1, document);
            if (document === null) delete next[key];
            else next[key] = document;
            history.push(next);
          }
          const horizon = Math.min(cut, changes.length);
          for (const [i, { key }] of changes.entries()) {
            if (i + 1 <= horizon) index.trim(key, i + 1);
          }
          for (let seq = horizon; seq < history.length; seq++) {
            const expected = Object.entries(history[seq]!).sort(([a], [b]) =>
              compareKeys(a, b),
            );
            const page = (order: "asc" | "desc") =>
              index
                .page("", "\xff", seq, order, 10)
                .entries.map(({ key, document }) => [key, document]);
            expect(page("asc")).toEqual(expected);
            expect(page("desc")).toEqual(expected.reverse());
          }
          expect(index.size).toBe(Object.keys(history.at(-1)!).length);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("keeps nothing of the past that no snapshot can see", () => {
    const index = new VersionedIndex();
    for (let seq = 1; seq <= 100; seq++) {
      index.put(`k${seq}`, seq, documentOf(seq));
      if (seq > 1) index.put(`k${seq - 1}`, seq, null);
    }
    expect(index.retainedKeys).toBe(100);
    for (let seq = 1; seq <= 100; seq++) {
      index.trim(`k${seq}`, seq);
      index.trim(`k${seq - 1}`, seq);
    }
    expect(index.retainedKeys).toBe(1);
    expect(index.size).toBe(1);
  });
});

describe("the cost of a read", () => {
  /** Comparisons of keys made by `read` on an index of `size` documents. */
  function comparisons(
    size: number,
    read: (index: VersionedIndex, middle: string) => unknown,
  ): number {
    let count = 0;
    const index = new VersionedIndex((a, b) => {
      count++;
      return compareKeys(a, b);
    });
    const keyOf = (i: number) => String(i).padStart(8, "0");
    for (let i = 0; i < size; i++) index.put(keyOf(i), 1, documentOf(i));
    count = 0;
    read(index, keyOf(size / 2));
    return count;
  }

  test.each<[string, (index: VersionedIndex, middle: string) => unknown]>([
    ["a point", (index, key) => index.get(key, 1)],
    ["a short range", (index, key) => index.page(key, "\xff", 1, "asc", 10)],
    [
      "a short range backwards",
      (index, key) => index.page("", key, 1, "desc", 10),
    ],
    ["a write", (index, key) => index.put(key, 2, null)],
  ])(
    "of %s is the same with 100 and with 100,000 documents, but for the depth of the tree",
    (_, read) => {
      const small = comparisons(100, read);
      const large = comparisons(100_000, read);
      // A thousand times the documents are ten more halvings of the way to the key.
      expect(large - small).toBeLessThanOrEqual(2 * Math.log2(1_000));
    },
  );
});
