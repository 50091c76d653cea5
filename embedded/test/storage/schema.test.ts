import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import type { Database, SchemaDefinition } from "../../src/storage/index.js";
import {
  APP,
  eq,
  inTransaction,
  insert,
  namesOf,
  openFixture,
  openWithUsers,
  query,
  schemaOf,
  USERS,
} from "./fixture.js";

function apply(db: Database, schema: SchemaDefinition | null, namespace = APP) {
  inTransaction(db, (tx) => db.applySchema(tx, namespace, schema));
}

describe("a schema", () => {
  test("refuses documents that do not fit, in Convex's words", () => {
    const { db } = openWithUsers();
    const tx = db.begin();
    expect(() => tx.insert(APP, "users", { name: "ann" })).toThrow(
      'Failed to insert or update a document in table "users" because it does not match the schema: Object is missing the required field `age`.',
    );
    const id = tx.insert(APP, "users", { name: "ann", age: 20 });
    expect(() => tx.patch(APP, id, { age: "old" })).toThrow("Path: .age");
    expect(() => tx.replace(APP, id, {})).toThrow("is missing the required");
    expect(tx.get(APP, id)?.value.age).toBe(20);
  });

  test("leaves tables alone that it does not mention", () => {
    const { db } = openWithUsers();
    expect(() => insert(db, "notes", { anything: 1 })).not.toThrow();
  });

  test("checks nothing when validation is off", () => {
    const { db } = openFixture();
    apply(db, { ...USERS, validate: false });
    expect(() => insert(db, "users", { name: 1 })).not.toThrow();
  });

  test("does not fit documents that are there: nothing changes", () => {
    const { db } = openFixture();
    const id = insert(db, "users", { name: "ann" });
    const tx = db.begin();
    expect(() => db.applySchema(tx, APP, USERS)).toThrow(
      `Document with ID "${id}" in table "users" does not match the schema: Object is missing the required field \`age\`.`,
    );
    expect(tx.hasWrites).toBe(false);
    expect(() => insert(db, "users", { name: "bob" })).not.toThrow();
    expect(() => query(db.begin(), { index: "by_age" })).toThrow("not found");
  });

  test("is checked against the transaction's own documents too", () => {
    const { db } = openFixture();
    const old = insert(db, "users", { name: "ann" });
    const tx = db.begin();
    tx.remove(APP, old);
    tx.insert(APP, "users", { name: "bob" });
    expect(() => db.applySchema(tx, APP, USERS)).toThrow("does not match");
    const repaired = db.begin();
    repaired.patch(APP, old, { age: 20 });
    db.applySchema(repaired, APP, USERS);
    db.commit(repaired);
    expect(namesOf(query(db.begin(), { index: "by_age" }))).toEqual(["ann"]);
  });

  test("knows the tables that ids belong to", () => {
    const { db } = openFixture();
    apply(db, schemaOf("posts", [], v.object({ author: v.id("users") })));
    const ann = insert(db, "users", {});
    const note = insert(db, "notes", {});
    expect(() => insert(db, "posts", { author: ann })).not.toThrow();
    expect(() => insert(db, "posts", { author: note })).toThrow(
      `Found ID "${note}" from table \`notes\``,
    );
  });

  test("takes the commit timestamp before it is known", () => {
    const { db } = openWithUsers();
    const seen = { $commitTs: null };
    insert(db, "users", { name: "ann", age: 1, seen });
    expect(() =>
      apply(db, { ...USERS, tables: [...USERS.tables] }),
    ).not.toThrow();
  });

  test("pushed again unchanged disturbs nobody", () => {
    const { db } = openWithUsers();
    const tx = db.begin();
    tx.insert(APP, "users", { name: "ann", age: 1 });
    apply(db, structuredClone(USERS));
    expect(() => db.commit(tx)).not.toThrow();
  });
});

describe("an index", () => {
  test("is filled when it is added, in its own transaction already", () => {
    const { db } = openFixture();
    for (const [name, age] of [
      ["ann", 3],
      ["bob", 1],
    ] as const) {
      insert(db, "users", { name, age });
    }
    const tx = db.begin();
    tx.insert(APP, "users", { name: "cid", age: 2 });
    db.applySchema(tx, APP, USERS);
    tx.insert(APP, "users", { name: "dan", age: 4 });
    const expected = ["bob", "cid", "ann", "dan"];
    expect(namesOf(query(tx, { index: "by_age" }))).toEqual(expected);
    db.commit(tx);
    expect(namesOf(query(db.begin(), { index: "by_age" }))).toEqual(expected);
  });

  test("follows its fields when they change under the same name", () => {
    const { db } = openFixture();
    apply(db, schemaOf("users", [{ name: "by_it", fields: ["a"] }]));
    insert(db, "users", { name: "x", a: 1, b: 2 });
    insert(db, "users", { name: "y", a: 2, b: 1 });
    const names = () => namesOf(query(db.begin(), { index: "by_it" }));
    expect(names()).toEqual(["x", "y"]);
    apply(db, schemaOf("users", [{ name: "by_it", fields: ["b"] }]));
    expect(names()).toEqual(["y", "x"]);
    insert(db, "users", { name: "z", a: 0, b: 0 });
    expect(names()).toEqual(["z", "y", "x"]);
  });

  test("is gone when the schema drops it, but not for who began before", () => {
    const { db } = openWithUsers();
    insert(db, "users", { name: "ann", age: 20 });
    const before = db.begin();
    const { latestTs } = db;
    apply(db, null);
    insert(db, "users", { name: "late" });
    const request = { index: "by_age", range: [eq("age", 20)] };
    expect(namesOf(query(before, request))).toEqual(["ann"]);
    expect(namesOf(query(db.begin({ at: latestTs }), request))).toEqual([
      "ann",
    ]);
    expect(() => query(db.begin(), request)).toThrow(
      "Index users.by_age not found.",
    );
  });

  test("cannot miss a document that was written while it was prepared", () => {
    const { db } = openFixture();
    insert(db, "users", { name: "ann", age: 20 });
    const tx = db.begin();
    db.applySchema(tx, APP, USERS);
    insert(db, "users", { name: "bob", age: 10 });
    expect(() => db.commit(tx)).toThrow("changed while this mutation");
    apply(db, USERS);
    const names = namesOf(query(db.begin(), { index: "by_age" }));
    expect(names).toEqual(["bob", "ann"]);
  });
});

describe("namespaces", () => {
  test("number their tables on their own", () => {
    const { db } = openFixture();
    apply(db, USERS, "pool");
    insert(db, "notes", {});
    expect(db.tables("pool")).toEqual([
      { name: "_scheduled_functions", number: 1 },
      { name: "users", number: 10_001 },
    ]);
    expect(db.tables(APP)).toEqual([
      { name: "_scheduled_functions", number: 1 },
      { name: "notes", number: 10_001 },
    ]);
  });

  test("keep a table that two transactions created at once", () => {
    const { db } = openFixture();
    const [one, two] = [db.begin(), db.begin()];
    const first = one.insert(APP, "notes", { name: 1 });
    const second = two.insert(APP, "notes", { name: 2 });
    db.commit(one);
    db.commit(two);
    const reader = db.begin();
    expect(reader.get(APP, first)?.value.name).toBe(1);
    expect(reader.get(APP, second)?.value.name).toBe(2);
    expect(reader.count(APP, "notes")).toBe(2);
  });

  test("keep a table that appeared while a schema was being prepared", () => {
    const { db } = openFixture();
    const tx = db.begin();
    db.applySchema(tx, APP, USERS);
    const id = insert(db, "notes", { name: "kept" });
    db.commit(tx);
    expect(db.begin().get(APP, id)?.value.name).toBe("kept");
    expect(query(db.begin(), { table: "notes" })).toHaveLength(1);
  });

  test("share a table that appeared there and in a schema's own transaction", () => {
    const { db } = openFixture();
    const tx = db.begin();
    db.applySchema(tx, APP, USERS);
    insert(db, "notes", { name: "theirs" });
    tx.insert(APP, "notes", { name: "mine" });
    db.commit(tx);
    const notes = query(db.begin(), { table: "notes" });
    expect(namesOf(notes).sort()).toEqual(["mine", "theirs"]);
  });

  test("can be dropped with everything in them, and mounted anew", () => {
    const { db } = openFixture();
    apply(db, USERS, "pool");
    const user = { name: "ann", age: 1 };
    const id = inTransaction(db, (tx) => tx.insert("pool", "users", user));
    const before = db.begin();
    const tx = db.begin();
    tx.insert("pool", "users", { name: "lost", age: 2 });
    db.dropNamespace(tx, "pool");
    db.commit(tx);
    expect(db.begin().get("pool", id)).toBe(null);
    expect(db.begin().count("pool", "users")).toBe(0);
    expect(before.get("pool", id)?.value.name).toBe("ann");
    apply(db, USERS, "pool");
    const again = inTransaction(db, (tx) => tx.insert("pool", "users", user));
    expect(db.begin().get("pool", again)?.value.name).toBe("ann");
    expect(db.begin().count("pool", "users")).toBe(1);
  });

  test("have the system's tables with their indexes from the start", () => {
    const { db } = openFixture();
    for (const [kind, scheduledTime] of [
      ["success", 1],
      ["pending", 3],
      ["pending", 2],
    ] as const) {
      inTransaction(db, (tx) =>
        tx.insert("pool", "_scheduled_functions", {
          state: { kind },
          scheduledTime,
        }),
      );
    }
    const scan = db.begin().scan("pool", {
      table: "_scheduled_functions",
      index: "by_state_and_time",
      range: [eq("state.kind", "pending")],
      order: "asc",
    });
    expect(scan.next()?.value.scheduledTime).toBe(2);
    expect(scan.next()?.value.scheduledTime).toBe(3);
    expect(scan.next()).toBe(null);
  });
});
