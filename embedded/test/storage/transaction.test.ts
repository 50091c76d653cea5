import { decodeInt64, convexSize } from "../../src/values/index.js";
import { describe, expect, test } from "vitest";
import { DeveloperError, LimitError } from "../../src/storage/index.js";
import {
  APP,
  eq,
  gt,
  inTransaction,
  insert,
  namesOf,
  openFixture,
  openWithUsers,
  query,
  schemaOf,
} from "./fixture.js";

describe("documents", () => {
  test("are read back as written, with id and creation time", () => {
    const { db, clock } = openWithUsers();
    const id = insert(db, "users", { name: "ann", age: 20 });
    const document = db.begin().get(APP, id)!;
    expect(document.value).toEqual({
      _id: id,
      _creationTime: document.creationTime,
      name: "ann",
      age: 20,
    });
    expect(document.json).toBe(JSON.stringify(document.value));
    expect(document.size).toBe(convexSize(document.value));
    expect(Math.abs(document.creationTime - clock.now())).toBeLessThan(1);
  });

  test("keep the order in which they were created, within and across transactions", () => {
    const { db } = openFixture();
    for (let i = 0; i < 3; i++) {
      inTransaction(db, (tx) => {
        for (let j = 0; j < 3; j++)
          tx.insert(APP, "notes", { name: i * 3 + j });
      });
    }
    const names = namesOf(query(db.begin(), { table: "notes" }));
    expect(names).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("can be patched, replaced and removed", () => {
    const { db } = openFixture();
    const id = insert(db, "notes", { a: 1, b: { c: 2 }, d: 3 });
    const contents = () => {
      const { _id, _creationTime, ...rest } = db.begin().get(APP, id)!.value;
      return rest;
    };
    inTransaction(db, (tx) =>
      tx.patch(APP, id, { a: { $undefined: null }, b: { e: 4 } }),
    );
    expect(contents()).toEqual({ b: { e: 4 }, d: 3 });
    inTransaction(db, (tx) => tx.replace(APP, id, { f: 5, _id: id }));
    expect(contents()).toEqual({ f: 5 });
    inTransaction(db, (tx) => tx.remove(APP, id));
    expect(db.begin().get(APP, id)).toBe(null);
  });

  test("are not affected by what the caller does to the value afterwards", () => {
    const { db } = openFixture();
    const value = { list: [1] };
    const id = insert(db, "notes", value);
    value.list.push(2);
    expect(db.begin().get(APP, id)?.value.list).toEqual([1]);
  });

  test("are seen by their own transaction at once and by others after commit", () => {
    const { db } = openWithUsers();
    const tx = db.begin();
    const id = tx.insert(APP, "users", { name: "ann", age: 20 });
    expect(tx.get(APP, id)?.value.name).toBe("ann");
    expect(tx.count(APP, "users")).toBe(1);
    expect(db.begin().get(APP, id)).toBe(null);
    const early = db.begin();
    db.commit(tx);
    expect(early.get(APP, id)).toBe(null);
    expect(early.count(APP, "users")).toBe(0);
    expect(db.begin().get(APP, id)?.value.name).toBe("ann");
  });

  test.each<[string, () => unknown, string]>([
    [
      "a field of the system",
      () => ({ _mine: 1 }),
      "isn't a valid document: Field '_mine' starts with an underscore, which is only allowed for system fields like '_id'",
    ],
    ["a foreign id", () => ({ _id: "x" }), "doesn't match '_id' field"],
    [
      "another creation time",
      () => ({ _creationTime: 1 }),
      "doesn't match '_creationTime' field",
    ],
    [
      "17 levels",
      () => JSON.parse('{"a":'.repeat(17) + "1" + "}".repeat(17)),
      "Document is too nested (nested 17 levels deep > maximum nesting 16)",
    ],
    [
      "more than 1 MiB",
      () => ({ a: "x".repeat(1 << 20) }),
      "Value is too large (1.00 MiB > maximum size 1 MiB)",
    ],
    ["an array for a document", () => [1], "Value must be an Object"],
    [
      "an integer for a document",
      () => ({ $integer: "AAAAAAAAAAA=" }),
      "Value must be an Object",
    ],
  ])("with %s are refused", (_, value, message) => {
    const tx = openFixture().db.begin();
    expect(() => tx.insert(APP, "notes", value() as never)).toThrow(message);
    expect(tx.hasWrites).toBe(false);
  });

  test("go only into tables with a proper name", () => {
    const tx = openFixture().db.begin();
    expect(() => tx.insert(APP, "my table", {})).toThrow(
      "Identifier my table has invalid character ' '",
    );
  });
});

describe("ids", () => {
  test("belong to a table of a namespace", () => {
    const { db } = openFixture();
    const id = insert(db, "notes", {});
    insert(db, "pictures", {});
    const tx = db.begin();
    expect(tx.normalizeId(APP, "notes", id)).toBe(id);
    expect(tx.normalizeId(APP, "pictures", id)).toBe(null);
    expect(tx.normalizeId("pool", "notes", id)).toBe(null);
    expect(tx.normalizeId(APP, "notes", "nonsense")).toBe(null);
    expect(tx.get("pool", id)).toBe(null);
  });

  test("lead nowhere without a document, and writing there says so", () => {
    const { db } = openFixture();
    const id = insert(db, "notes", {});
    insert(db, "pictures", {});
    inTransaction(db, (tx) => tx.remove(APP, id));
    const tx = db.begin();
    expect(tx.get(APP, id)).toBe(null);
    const attempts: [() => unknown, string][] = [
      [() => tx.patch(APP, id, {}), `Update on nonexistent document ID ${id}`],
      [
        () => tx.replace(APP, id, {}),
        `Replace on nonexistent document ID ${id}`,
      ],
      [() => tx.remove(APP, id), `Delete on nonexistent document ID ${id}`],
      [
        () => tx.get(APP, "x"),
        "Invalid argument `id` for `db.get`: Unable to decode ID: Invalid ID length 1",
      ],
      [
        () => tx.patch(APP, "x", {}),
        "Invalid argument `id` for `db.patch`: Unable to decode ID",
      ],
      [
        () => tx.remove("pool", id),
        `Invalid argument \`id\` for \`db.delete\`: Table for ID "${id}" not found`,
      ],
      [
        () => tx.get(APP, id, { table: "pictures" }),
        'Invalid argument `id` for `db.get`: expected to be an Id<"pictures">, got Id<"notes"> instead.',
      ],
      [
        () => tx.get(APP, id, { system: true }),
        "User tables cannot be accessed with db.system.",
      ],
    ];
    for (const [attempt, message] of attempts) {
      expect(attempt).toThrow(message);
      expect(attempt).toThrow(DeveloperError);
    }
  });

  test("of system tables need the system's door", () => {
    const { db } = openFixture();
    const id = insert(db, "_scheduled_functions", {});
    const tx = db.begin();
    expect(tx.get(APP, id)).not.toBe(null);
    expect(tx.get(APP, id, { system: true })).not.toBe(null);
    expect(() => tx.get(APP, id, { system: false })).toThrow(
      "System tables can only be accessed with db.system.",
    );
  });
});

describe("commit timestamps", () => {
  test("increase with every commit, also while the clock stands still", () => {
    const { db } = openFixture();
    const seen = [db.latestTs];
    for (let i = 0; i < 3; i++) {
      insert(db, "notes", {});
      seen.push(db.latestTs);
    }
    expect(new Set(seen).size).toBe(4);
    expect([...seen].sort((a, b) => (a < b ? -1 : 1))).toEqual(seen);
  });

  test("follow the clock", async () => {
    const { db, clock } = openFixture();
    await clock.advance(5_000);
    insert(db, "notes", {});
    expect(db.latestTs).toBe(clock.nowNs());
  });

  test("stand in documents and indexes once they are known", () => {
    const { db } = openWithUsers();
    const schema = schemaOf("queue", [{ name: "by_ts", fields: ["at.ts"] }]);
    inTransaction(db, (tx) => db.applySchema(tx, APP, schema));
    const tx = db.begin();
    const at = { ts: { $commitTs: null } };
    const id = tx.insert(APP, "queue", { name: "first", at, all: [at] });
    const earlier = insert(db, "queue", { name: "second", at });
    const pending = tx.get(APP, id)!.value;
    expect(pending.at).toEqual(at);
    const ts = db.commit(tx);

    const reader = db.begin();
    const value = reader.get(APP, id)!.value as {
      at: { ts: { $integer: string } };
      all: unknown[];
    };
    expect(decodeInt64(value.at.ts.$integer)).toBe(ts);
    expect(value.all).toEqual([value.at]);
    expect(reader.get(APP, id)!.size).toBe(convexSize(pending));
    // In commit order, though the first was created first.
    const index = { table: "queue", index: "by_ts" };
    expect(namesOf(query(reader, index))).toEqual(["second", "first"]);
    const since = (reader.get(APP, earlier)!.value as typeof value).at.ts;
    expect(
      namesOf(query(reader, { ...index, range: [gt("at.ts", since)] })),
    ).toEqual(["first"]);
  });

  test("sort last while they are not known", () => {
    const { db } = openFixture();
    const schema = schemaOf("queue", [{ name: "by_ts", fields: ["ts"] }]);
    inTransaction(db, (tx) => db.applySchema(tx, APP, schema));
    const ts = { $commitTs: null };
    insert(db, "queue", { name: "committed", ts });
    const tx = db.begin();
    tx.insert(APP, "queue", { name: "pending", ts });
    const rows = query(tx, { table: "queue", index: "by_ts" });
    expect(namesOf(rows)).toEqual(["committed", "pending"]);
  });

  test("stay pending through a patch of something else", () => {
    const { db } = openFixture();
    const tx = db.begin();
    const id = tx.insert(APP, "notes", { ts: { $commitTs: null } });
    tx.patch(APP, id, { other: 1 });
    const ts = db.commit(tx);
    const { ts: stored } = db.begin().get(APP, id)!.value as {
      ts: { $integer: string };
    };
    expect(decodeInt64(stored.$integer)).toBe(ts);
  });
});

describe("sub-transactions", () => {
  test("roll back what they wrote, and nothing else", () => {
    const { db } = openWithUsers();
    const ann = insert(db, "users", { name: "ann", age: 20 });
    const tx = db.begin();
    tx.patch(APP, ann, { age: 21 });
    const bob = tx.insert(APP, "users", { name: "bob", age: 30 });
    expect(query(tx, { index: "by_age" })).toHaveLength(2);
    tx.beginSub();
    tx.patch(APP, ann, { age: 99 });
    tx.remove(APP, bob);
    tx.insert(APP, "users", { name: "cid", age: 40 });
    expect(namesOf(query(tx, { index: "by_age" }))).toEqual(["cid", "ann"]);
    tx.rollbackSub();
    expect(namesOf(query(tx, { index: "by_age" }))).toEqual(["ann", "bob"]);
    expect(tx.get(APP, ann)?.value.age).toBe(21);
    db.commit(tx);
    expect(namesOf(query(db.begin(), { index: "by_age" }))).toEqual([
      "ann",
      "bob",
    ]);
  });

  test("nest", () => {
    const { db } = openFixture();
    const tx = db.begin();
    tx.beginSub();
    tx.insert(APP, "notes", { name: "outer" });
    tx.beginSub();
    tx.insert(APP, "notes", { name: "inner" });
    tx.commitSub();
    tx.beginSub();
    tx.insert(APP, "notes", { name: "failed" });
    tx.rollbackSub();
    expect(namesOf(query(tx, { table: "notes" }))).toEqual(["outer", "inner"]);
    tx.rollbackSub();
    expect(query(tx, { table: "notes" })).toEqual([]);
    expect(tx.hasWrites).toBe(false);
  });

  test("never give a creation time twice, even after a rollback", () => {
    const { db } = openFixture();
    const tx = db.begin();
    tx.beginSub();
    const lost = tx.insert(APP, "notes", {});
    const lostTime = tx.get(APP, lost)!.creationTime;
    tx.rollbackSub();
    const kept = tx.insert(APP, "notes", {});
    expect(tx.get(APP, kept)!.creationTime).toBeGreaterThan(lostTime);
  });

  test("must be closed before the commit", () => {
    const { db } = openFixture();
    const tx = db.begin();
    tx.beginSub();
    tx.insert(APP, "notes", {});
    expect(() => db.commit(tx)).toThrow("1 sub-transactions are still open");
    expect(() => db.begin().commitSub()).toThrow("No sub-transaction is open.");
  });
});

describe("stale views", () => {
  test("see the begin snapshot without own writes, and count as reads", () => {
    const { db } = openWithUsers();
    const ann = insert(db, "users", { name: "ann", age: 20 });
    const tx = db.begin();
    tx.patch(APP, ann, { age: 21 });
    insert(db, "users", { name: "bob", age: 30 });
    const stale = tx.staleView();
    const before = tx.usage().used.documentsRead;
    expect(namesOf(query(stale, {}))).toEqual(["ann"]);
    expect(stale.get(APP, ann)?.value.age).toBe(20);
    expect(stale.count(APP, "users")).toBe(1);
    expect(tx.usage().used.documentsRead).toBe(before + 2);
    expect([...stale.readSet.intervals()]).toEqual([]);
    expect(() => stale.insert(APP, "users", {})).toThrow("can only be read");
  });
});

describe("limits", () => {
  test("count reads, writes, bytes and ranges as Convex does", () => {
    const { db } = openWithUsers();
    const ids = ["ann", "bob"].map((name) =>
      insert(db, "users", { name, age: 20 }),
    );
    const tx = db.begin();
    const size = tx.get(APP, ids[0]!)!.size;
    query(tx, { index: "by_age", range: [eq("age", 20)] });
    tx.patch(APP, ids[1]!, { age: 21 });
    tx.remove(APP, ids[0]!);
    tx.countScheduled(100);
    expect(tx.usage().used).toEqual({
      documentsRead: 5,
      bytesRead: 5 * size,
      databaseQueries: 4,
      documentsWritten: 2,
      bytesWritten: size,
      functionsScheduled: 1,
      scheduledFunctionArgsBytes: 100,
    });
    expect(tx.usage().remaining.documentsRead).toBe(32_000 - 5);
  });

  test("leave out what the system reads and writes for itself", () => {
    const { db } = openFixture();
    const tx = db.begin();
    const id = tx.insert(APP, "_scheduled_functions", {});
    tx.get(APP, id);
    const { documentsRead, documentsWritten } = tx.usage().used;
    expect([documentsRead, documentsWritten]).toEqual([0, 0]);
  });

  test.each<[string, Parameters<typeof openLimited>[0], string]>([
    [
      "documents read",
      { documentsRead: 1 },
      "Too many documents read in a single function execution (limit: 1). Consider using smaller limits in your queries, paginating your queries, or using indexed queries with a selective index range expressions.",
    ],
    [
      "bytes read",
      { bytesRead: 100 },
      "Too many bytes read in a single function execution (limit: 100 bytes). Consider",
    ],
    [
      "ranges",
      { databaseQueries: 1 },
      "Too many reads in a single function execution (limit: 1). Consider",
    ],
    [
      "documents written",
      { documentsWritten: 1 },
      "Too many writes in a single function execution (limit: 1)",
    ],
    [
      "bytes written",
      { bytesWritten: 100 },
      "Too many bytes written in a single function execution (limit: 100 B)",
    ],
    [
      "functions scheduled",
      { functionsScheduled: 1 },
      "Too many functions scheduled by this mutation (limit: 1)",
    ],
    [
      "scheduled arguments",
      { scheduledFunctionArgsBytes: 9 },
      "Too large total size of the arguments of scheduled functions from this mutation (limit: 9 bytes)",
    ],
  ])("on %s are errors of the function", (_, limits, message) => {
    const tx = openLimited(limits);
    const useAll = () => {
      query(tx, { table: "notes" });
      query(tx, { table: "notes" });
      tx.insert(APP, "notes", { name: "c" });
      tx.insert(APP, "notes", { name: "d" });
      tx.countScheduled(5);
      tx.countScheduled(5);
    };
    expect(useAll).toThrow(message);
    expect(useAll).toThrow(LimitError);
  });

  function openLimited(
    limits: NonNullable<
      Parameters<ReturnType<typeof openFixture>["db"]["begin"]>[0]
    >["limits"],
  ) {
    const { db } = openFixture();
    insert(db, "notes", { name: "a" });
    insert(db, "notes", { name: "b" });
    return db.begin({ limits });
  }

  test("of a nested call are a budget within its caller's", () => {
    const tx = openLimited({ documentsRead: 5 });
    query(tx, { table: "notes" });
    tx.beginSub({ documentsRead: 1 });
    expect(tx.usage().remaining.documentsRead).toBe(1);
    tx.beginSub({ documentsRead: 1_000 });
    expect(tx.usage().remaining.documentsRead).toBe(1);
    expect(() => query(tx, { table: "notes" })).toThrow("(limit: 3)");
    tx.rollbackSub();
    tx.rollbackSub();
    // What was read stays counted.
    expect(tx.usage().remaining.documentsRead).toBe(1);
  });

  test("forget the writes, but not the schedules, of a rolled back call", () => {
    const { db } = openFixture();
    const tx = db.begin();
    tx.beginSub();
    tx.insert(APP, "notes", {});
    tx.countScheduled(10);
    tx.rollbackSub();
    const { used } = tx.usage();
    expect(used.documentsWritten).toBe(0);
    expect(used.bytesWritten).toBe(0);
    expect(used.functionsScheduled).toBe(1);
    expect(used.scheduledFunctionArgsBytes).toBe(10);
  });
});
