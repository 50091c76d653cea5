import { describe, expect, test, vi } from "vitest";
import {
  type CommittedWrites,
  type Transaction,
  WriteConflictError,
} from "../../src/storage/index.js";
import {
  APP,
  eq,
  gte,
  inTransaction,
  insert,
  lt,
  openWithUsers,
  query,
} from "./fixture.js";

type People = { ann: string; bob: string; cid: string };
type Step = (tx: Transaction, people: People) => unknown;

/** Runs `mine` and then commits `theirs` in between; tells how mine ended. */
function race(mine: Step, theirs: Step): "commits" | "conflicts" {
  const { db } = openWithUsers();
  const people: People = {
    ann: insert(db, "users", { name: "ann", age: 20 }),
    bob: insert(db, "users", { name: "bob", age: 30 }),
    cid: insert(db, "users", { name: "cid", age: 40 }),
  };
  const tx = db.begin();
  mine(tx, people);
  // Only transactions that write are validated; this row is nobody else's.
  tx.insert(APP, "notes", { mine: true });
  inTransaction(db, (other) => theirs(other, people));
  try {
    db.commit(tx);
    return "commits";
  } catch (error) {
    expect(error).toBeInstanceOf(WriteConflictError);
    return "conflicts";
  }
}

const readAnn: Step = (tx, { ann }) => tx.get(APP, ann);
const youngest: Step = (tx) => query(tx, { index: "by_age", take: 1 });
const oldest: Step = (tx) =>
  query(tx, { index: "by_age", take: 1, order: "desc" });
const aged =
  (age: number): Step =>
  (tx) =>
    query(tx, { index: "by_age", range: [eq("age", age)] });
const twenties: Step = (tx) =>
  query(tx, { index: "by_age", range: [gte("age", 20), lt("age", 30)] });
const add =
  (name: string, age: number): Step =>
  (tx) =>
    tx.insert(APP, "users", { name, age });
const makeOlder =
  (who: keyof People, age: number): Step =>
  (tx, people) =>
    tx.patch(APP, people[who], { age });

describe("a transaction that", () => {
  test.each<[string, Step, string, Step, "commits" | "conflicts"]>([
    [
      "read a document",
      readAnn,
      "it changes",
      makeOlder("ann", 21),
      "conflicts",
    ],
    [
      "read a document",
      readAnn,
      "it goes",
      (tx, { ann }) => tx.remove(APP, ann),
      "conflicts",
    ],
    [
      "read a document",
      readAnn,
      "another changes",
      makeOlder("bob", 31),
      "commits",
    ],
    [
      "read a document",
      readAnn,
      "it is rewritten as it was",
      makeOlder("ann", 20),
      "commits",
    ],
    [
      "wrote a document unseen",
      makeOlder("ann", 50),
      "it changes",
      makeOlder("ann", 21),
      "conflicts",
    ],
    [
      "deleted a document",
      (tx, { ann }) => tx.remove(APP, ann),
      "it changes",
      makeOlder("ann", 21),
      "conflicts",
    ],
    [
      "only inserted",
      add("dan", 50),
      "others insert",
      add("eve", 50),
      "commits",
    ],
    [
      "took the first of an index",
      youngest,
      "it changes",
      (tx, { ann }) => tx.patch(APP, ann, { name: "anna" }),
      "conflicts",
    ],
    [
      "took the last of an index",
      oldest,
      "it changes",
      (tx, { cid }) => tx.patch(APP, cid, { name: "sid" }),
      "conflicts",
    ],
    [
      "took the first of an index",
      youngest,
      "one is added in front",
      add("dan", 10),
      "conflicts",
    ],
    [
      "took the first of an index",
      youngest,
      "one is added right behind",
      add("dan", 20),
      "commits",
    ],
    [
      "took the first of an index",
      youngest,
      "one is added far behind",
      add("dan", 35),
      "commits",
    ],
    [
      "took the first of an index",
      youngest,
      "one moves in front",
      makeOlder("cid", 5),
      "conflicts",
    ],
    [
      "took the last of an index",
      oldest,
      "one is added behind",
      add("dan", 50),
      "conflicts",
    ],
    [
      "took the last of an index",
      oldest,
      "one is added in front",
      add("dan", 10),
      "commits",
    ],
    [
      "read a range to its end",
      twenties,
      "one is added in it",
      add("dan", 25),
      "conflicts",
    ],
    [
      "read a range to its end",
      twenties,
      "one is added at its open end",
      add("dan", 30),
      "commits",
    ],
    [
      "read a range to its end",
      twenties,
      "one leaves it",
      makeOlder("ann", 33),
      "conflicts",
    ],
    [
      "read a range to its end",
      twenties,
      "one enters it",
      makeOlder("bob", 29),
      "conflicts",
    ],
    [
      "read a range to its end",
      twenties,
      "another field of one in it changes",
      (tx, { ann }) => tx.patch(APP, ann, { name: "anna" }),
      "conflicts",
    ],
    ["found nothing", aged(99), "it appears", add("dan", 99), "conflicts"],
    [
      "found nothing",
      aged(99),
      "something else appears",
      add("dan", 98),
      "commits",
    ],
    [
      "read an absent table",
      (tx) => query(tx, { table: "ghosts" }),
      "it gets a row",
      (tx) => tx.insert(APP, "ghosts", {}),
      "conflicts",
    ],
    [
      "counted a table",
      (tx) => tx.count(APP, "users"),
      "it gets a row",
      add("dan", 1),
      "conflicts",
    ],
    [
      "opened a scan without taking anything",
      (tx) =>
        tx.scan(APP, {
          table: "users",
          index: "by_age",
          range: [],
          order: "asc",
        }),
      "rows change",
      add("dan", 1),
      "commits",
    ],
    [
      "looked at a stale view",
      (tx, { ann }) => tx.staleView().get(APP, ann),
      "it changes",
      makeOlder("ann", 21),
      "commits",
    ],
    [
      "scanned a stale view",
      (tx) => query(tx.staleView(), {}),
      "rows come",
      add("dan", 1),
      "commits",
    ],
    [
      "checked an id",
      (tx, { ann }) => tx.normalizeId(APP, "users", ann),
      "it changes",
      makeOlder("ann", 21),
      "commits",
    ],
    [
      "read in a sub-transaction that was rolled back",
      (tx, { ann }) => {
        tx.beginSub();
        tx.get(APP, ann);
        tx.rollbackSub();
      },
      "it changes",
      makeOlder("ann", 21),
      "conflicts",
    ],
  ])("%s %#", (_mine, mine, _theirs, theirs, outcome) => {
    expect(race(mine, theirs)).toBe(outcome);
  });
});

describe("a conflict", () => {
  test("names the table and undoes everything", () => {
    const { db } = openWithUsers();
    const ann = insert(db, "users", { name: "ann", age: 20 });
    const tx = db.begin();
    tx.patch(APP, ann, { age: 1 });
    tx.insert(APP, "users", { name: "bob", age: 2 });
    inTransaction(db, (other) => other.patch(APP, ann, { age: 21 }));
    expect(() => db.commit(tx)).toThrow(
      'Documents read from or written to the "users" table changed while this mutation was being run',
    );
    const after = db.begin();
    expect(after.get(APP, ann)?.value.age).toBe(21);
    expect(after.count(APP, "users")).toBe(1);
  });

  test("leaves the transaction unusable", () => {
    const { db } = openWithUsers();
    const ann = insert(db, "users", { name: "ann", age: 20 });
    const tx = db.begin();
    tx.patch(APP, ann, { age: 1 });
    inTransaction(db, (other) => other.patch(APP, ann, { age: 21 }));
    expect(() => db.commit(tx)).toThrow(WriteConflictError);
    expect(() => db.commit(tx)).toThrow("The transaction is over");
  });

  test("is impossible without writes", () => {
    const { db } = openWithUsers();
    const ann = insert(db, "users", { name: "ann", age: 20 });
    const tx = db.begin();
    tx.get(APP, ann);
    inTransaction(db, (other) => other.patch(APP, ann, { age: 21 }));
    expect(db.commit(tx)).toBe(tx.beginTs);
  });

  test("is found among commits long past as well as the last one", () => {
    const { db } = openWithUsers();
    const ann = insert(db, "users", { name: "ann", age: 20 });
    const tx = db.begin();
    tx.patch(APP, ann, { age: 1 });
    inTransaction(db, (other) => other.patch(APP, ann, { age: 21 }));
    for (let i = 0; i < 50; i++) insert(db, "notes", { i });
    expect(() => db.commit(tx)).toThrow(WriteConflictError);
  });

  test("does not cross namespaces, even for ids that look alike", () => {
    const { db } = openWithUsers();
    const tx = db.begin();
    query(tx, { table: "notes" });
    tx.insert(APP, "users", { name: "ann", age: 1 });
    inTransaction(db, (other) => other.insert("pool", "notes", {}));
    expect(() => db.commit(tx)).not.toThrow();
  });

  test("meets whoever used a namespace while its schema changed", () => {
    const { db } = openWithUsers();
    const tx = db.begin();
    tx.insert(APP, "notes", {});
    inTransaction(db, (push) => db.applySchema(push, APP, null));
    expect(() => db.commit(tx)).toThrow(WriteConflictError);
  });
});

describe("subscriptions", () => {
  test("learn of changes to what was read, and of those only", () => {
    const { db } = openWithUsers();
    insert(db, "users", { name: "ann", age: 20 });
    const reader = db.begin();
    query(reader, { index: "by_age", range: [lt("age", 30)] });
    const { readSet, beginTs } = reader;
    expect(db.changedSince(readSet, beginTs)).toBe(false);
    insert(db, "users", { name: "bob", age: 40 });
    expect(db.changedSince(readSet, beginTs)).toBe(false);
    insert(db, "users", { name: "cid", age: 25 });
    expect(db.changedSince(readSet, beginTs)).toBe(true);
    expect(db.changedSince(readSet, db.latestTs)).toBe(false);
  });

  test("are told of each commit as it happens, until they leave", () => {
    const { db } = openWithUsers();
    const told: unknown[] = [];
    const leave = db.onCommit(({ ts, writes, changes }) =>
      told.push([
        ts,
        writes.map(({ table, before, after }) => [
          table,
          before?.value.age,
          after?.value.age,
        ]),
        changes.map(({ index }) => index),
      ]),
    );
    const id = insert(db, "users", { name: "ann", age: 20 });
    const first = db.latestTs;
    inTransaction(db, (tx) => tx.patch(APP, id, { age: 21 }));
    const second = db.latestTs;
    inTransaction(db, (tx) => tx.get(APP, id));
    leave();
    inTransaction(db, (tx) => tx.remove(APP, id));
    const indexes = ["by_id", "by_creation_time", "by_age", "by_name_age"].map(
      (index) => `/users/${index}`,
    );
    expect(told).toEqual([
      [first, [["users", undefined, 20]], indexes],
      [second, [["users", 20, 21]], indexes],
    ]);
  });

  test("hear of commits in their order, even if one of them commits itself", () => {
    const { db } = openWithUsers();
    const heard: string[] = [];
    const nameOf = (commit: CommittedWrites) =>
      String(commit.writes[0]?.after?.value.name);
    db.onCommit((commit) => {
      heard.push(`a: ${nameOf(commit)}`);
      if (nameOf(commit) === "first") insert(db, "notes", { name: "second" });
    });
    db.onCommit((commit) => heard.push(`b: ${nameOf(commit)}`));
    insert(db, "notes", { name: "first" });
    expect(heard).toEqual(["a: first", "b: first", "a: second", "b: second"]);
  });

  test("cannot undo a commit or keep others from hearing of it by failing", () => {
    const { db } = openWithUsers();
    const raised = vi.spyOn(globalThis, "queueMicrotask");
    raised.mockImplementation(() => {});
    let heard = 0;
    db.onCommit(() => {
      throw new Error("a bug");
    });
    db.onCommit(() => heard++);
    const id = insert(db, "notes", {});
    expect(heard).toBe(1);
    expect(db.begin().get(APP, id)).not.toBe(null);
    // It surfaces as an uncaught error instead.
    expect(raised.mock.calls[0]![0]).toThrow("a bug");
    raised.mockRestore();
  });
});
