import { describe, expect, test } from "vitest";
import { inTransaction, openWithUsers, query } from "./fixture.js";
import {
  APP,
  eq,
  gt,
  gte,
  insert,
  lt,
  lte,
  namesOf,
  openFixture,
  schemaOf,
} from "./fixture.js";

function withPeople() {
  const { db } = openWithUsers();
  inTransaction(db, (tx) => {
    for (const [name, age] of [
      ["dan", 40],
      ["ann", 20],
      ["bob", 30],
      ["ann", 50],
      ["cid", 30],
    ] as const) {
      tx.insert(APP, "users", { name, age });
    }
  });
  return db;
}

describe("scans", () => {
  test.each([
    ["by_creation_time", [], ["dan", "ann", "bob", "ann", "cid"]],
    ["by_age", [], ["ann", "bob", "cid", "dan", "ann"]],
    ["by_age", [eq("age", 30)], ["bob", "cid"]],
    ["by_age", [gt("age", 30)], ["dan", "ann"]],
    ["by_age", [gte("age", 30)], ["bob", "cid", "dan", "ann"]],
    ["by_age", [lt("age", 30)], ["ann"]],
    ["by_age", [lte("age", 30)], ["ann", "bob", "cid"]],
    ["by_age", [gt("age", 20), lt("age", 40)], ["bob", "cid"]],
    ["by_age", [gt("age", 40), lt("age", 20)], []],
    ["by_age", [eq("age", { $undefined: null })], []],
    [
      "by_age",
      [gt("age", { $undefined: null })],
      ["ann", "bob", "cid", "dan", "ann"],
    ],
    ["by_name_age", [eq("name", "ann")], ["ann", "ann"]],
    ["by_name_age", [eq("name", "ann"), gt("age", 20)], ["ann"]],
    ["by_name_age", [eq("age", 20), eq("name", "ann")], ["ann"]],
    ["by_name_age", [gte("name", "b"), lt("name", "d")], ["bob", "cid"]],
  ])(
    "of %s with %j give the range in order, both ways",
    (index, range, names) => {
      const tx = withPeople().begin();
      expect(namesOf(query(tx, { index, range }))).toEqual(names);
      expect(namesOf(query(tx, { index, range, order: "desc" }))).toEqual(
        [...names].reverse(),
      );
    },
  );

  test("reach a document by its id", () => {
    const db = withPeople();
    const [first] = query(db.begin(), {});
    const range = [eq("_id", first!.id)];
    expect(query(db.begin(), { index: "by_id", range })).toEqual([first]);
  });

  test.each([
    ["by_size", [], "Index users.by_size not found."],
    [
      "by_age",
      [eq("name", "x")],
      'The index range included a comparison with "name", but users.by_age with fields [age, _creationTime, _id] doesn\'t index this field.',
    ],
    [
      "by_name_age",
      [eq("age", 1)],
      "Tried to query index users.by_name_age but the query didn't use the index fields in order.\nIndex fields: [name, age, _creationTime, _id]\nQuery fields: [age]\nFirst incorrect field: age",
    ],
    [
      "by_age",
      [eq("age", 1), eq("age", 2)],
      'Already defined equality bound in index range. Can\'t add "age" == 2.0.',
    ],
    [
      "by_age",
      [gt("age", 1), gte("age", 2)],
      'Already defined lower bound in index range. Can\'t add "age" >= 2.0.',
    ],
    [
      "by_age",
      [eq("age", 1), lt("age", 2)],
      "Already defined inequality bound in index range.",
    ],
    [
      "by_name_age",
      [gt("name", "a"), lt("age", 2)],
      "Upper and lower bounds in `range` can only be applied to a single index field.",
    ],
  ])("of %s with %j are refused", (index, range, message) => {
    const tx = withPeople().begin();
    expect(() => query(tx, { index, range })).toThrow(message);
  });

  test("of a table that is not there are empty", () => {
    const tx = openFixture().db.begin();
    expect(query(tx, { table: "ghosts" })).toEqual([]);
    expect(tx.count(APP, "ghosts")).toBe(0);
    expect(() => query(tx, { table: "ghosts", index: "by_x" })).toThrow(
      "Index ghosts.by_x not found.",
    );
  });

  test("see the snapshot, whatever is committed meanwhile", () => {
    const db = withPeople();
    const tx = db.begin();
    const scan = tx.scan(APP, {
      table: "users",
      index: "by_age",
      range: [],
      order: "asc",
    });
    const names = [scan.next()?.value.name];
    inTransaction(db, (other) => {
      for (const { id } of query(other, {})) other.remove(APP, id);
      other.insert(APP, "users", { name: "new", age: 35 });
    });
    for (let doc = scan.next(); doc !== null; doc = scan.next()) {
      names.push(doc.value.name);
    }
    expect(names).toEqual(["ann", "bob", "cid", "dan", "ann"]);
  });

  test("merge the transaction's own writes in order, also those made on the way", () => {
    for (const order of ["asc", "desc"] as const) {
      const db = withPeople();
      const tx = db.begin();
      const [dan, , bob] = query(tx, {});
      tx.patch(APP, dan!.id, { age: 10 });
      tx.remove(APP, bob!.id);
      tx.insert(APP, "users", { name: "new", age: 45 });
      const scan = tx.scan(APP, {
        table: "users",
        index: "by_age",
        range: [],
        order,
      });
      const names = [scan.next()?.value.name];
      tx.insert(APP, "users", { name: "later", age: 30 });
      for (let doc = scan.next(); doc !== null; doc = scan.next()) {
        names.push(doc.value.name);
      }
      const ascending = ["dan", "ann", "cid", "later", "new", "ann"];
      expect(names).toEqual(order === "asc" ? ascending : ascending.reverse());
    }
  });
});

describe("positions", () => {
  test.each(["asc", "desc"] as const)("let a scan be resumed (%s)", (order) => {
    const db = withPeople();
    const request = { table: "users", index: "by_age", range: [], order };
    const whole = namesOf(query(db.begin(), { index: "by_age", order }));
    const names: unknown[] = [];
    let after: string | null = null;
    for (;;) {
      const scan = db.begin().scan(APP, { ...request, after });
      expect(scan.position).toBe(after);
      const document = scan.next();
      if (document === null) break;
      names.push(document.value.name);
      after = scan.position;
    }
    expect(names).toEqual(whole);
    const beyond = db.begin().scan(APP, { ...request, after: "e" });
    expect(beyond.endPosition).toBe("e");
    expect(beyond.next()).toBe(null);
  });

  test.each(["asc", "desc"] as const)(
    "let a scan end where another did (%s)",
    (order) => {
      const db = withPeople();
      const request = { table: "users", index: "by_age", range: [], order };
      const first = db.begin().scan(APP, request);
      const seen = [first.next(), first.next(), first.next()];
      const until = first.position;
      const second = db.begin().scan(APP, { ...request, until });
      expect([second.next(), second.next(), second.next()]).toEqual(seen);
      expect(second.next()).toBe(null);
      const whole = db
        .begin()
        .scan(APP, { ...request, until: first.endPosition });
      const count = [...Array(9)].filter(() => whole.next() !== null).length;
      expect(count).toBe(5);
    },
  );

  test("of a page tie down exactly the page", () => {
    const db = withPeople();
    const request = {
      table: "users",
      index: "by_age",
      range: [],
      order: "asc" as const,
    };
    const scan = db.begin().scan(APP, request);
    scan.next();
    const after = scan.position;
    scan.next();
    scan.next();
    const reader = db.begin();
    const page = reader.scan(APP, { ...request, after, until: scan.position });
    while (page.next() !== null);
    insert(db, "users", { name: "before", age: 1 });
    insert(db, "users", { name: "behind", age: 35 });
    expect(db.changedSince(reader.readSet, reader.beginTs)).toBe(false);
    insert(db, "users", { name: "within", age: 25 });
    expect(db.changedSince(reader.readSet, reader.beginTs)).toBe(true);
  });

  test("that no scan gave out are refused", () => {
    const tx = withPeople().begin();
    expect(() =>
      tx.scan(APP, {
        table: "users",
        index: "by_age",
        range: [],
        order: "asc",
        after: "?",
      }),
    ).toThrow('"?" is not a position of a scan');
  });
});

describe("nested fields", () => {
  test("can be indexed", () => {
    const { db } = openFixture();
    const schema = schemaOf("jobs", [
      { name: "by_kind", fields: ["state.kind"] },
    ]);
    inTransaction(db, (tx) => db.applySchema(tx, APP, schema));
    insert(db, "jobs", { name: "a", state: { kind: "done" } });
    insert(db, "jobs", { name: "b", state: { kind: "open" } });
    insert(db, "jobs", { name: "c", state: null });
    const jobs = (kind: string) =>
      namesOf(
        query(db.begin(), {
          table: "jobs",
          index: "by_kind",
          range: [eq("state.kind", kind)],
        }),
      );
    expect(jobs("open")).toEqual(["b"]);
    expect(
      namesOf(query(db.begin(), { table: "jobs", index: "by_kind" })),
    ).toEqual(["c", "a", "b"]);
  });
});
