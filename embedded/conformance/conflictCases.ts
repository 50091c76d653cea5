/** Pairs of mutations that run at the same time, and whether they conflict. */
import {
  attempt,
  fail,
  find,
  get,
  inLedger,
  insert,
  nested,
  nestedQuery,
  page,
  patch,
  remove,
  replace,
  stale,
  type Step,
} from "./app/shared/steps.js";
import { backend, docs, type Source } from "./harness/case.js";

/** Three rows that every case begins with. */
export interface Rows {
  ann: string;
  bob: string;
  cid: string;
}
export type Steps = (rows: Rows) => Step[];

const READS = backend("crates/database/src/reads.rs");
const RANGE = backend("crates/database/src/query/index_range.rs");
const TRANSACTION = backend("crates/database/src/transaction.rs");
const FILTER = backend("crates/database/src/query/filter.rs");
export const NESTED = backend("crates/database/src/writes.rs");

export const readAnn: Steps = ({ ann }) => [get(ann)];
export const all: Steps = () => [find("items")];
const low: Steps = () => [
  find("items", {
    index: "by_rank",
    range: [
      ["gte", "rank", 20],
      ["lt", "rank", 30],
    ],
  }),
];
const nobody: Steps = () => [
  find("items", { index: "by_group_rank", range: [["eq", "group", "n"]] }),
];
const first: Steps = () => [find("items", { index: "by_rank", end: "first" })];
const last: Steps = () => [
  find("items", { index: "by_rank", order: "desc", end: "first" }),
];
const take =
  (n: number): Steps =>
  () => [find("items", { index: "by_rank", end: n })];
const ofGroupB: Steps = () => [find("items", { filter: ["group", "b"] })];
const firstOfGroupB: Steps = () => [
  find("items", { index: "by_rank", filter: ["group", "b"], end: "first" }),
];
const firstPage: Steps = () => [
  page("items", { numItems: 2 }, { index: "by_rank" }),
];
const add =
  (rank: number, group = "new"): Steps =>
  () => [insert("items", { group, rank })];
const rerank =
  (who: keyof Rows, rank: number): Steps =>
  (rows) => [patch(rows[who], { rank })];
export const annotate =
  (who: keyof Rows): Steps =>
  (rows) => [patch(rows[who], { note: "changed" })];
const drop =
  (who: keyof Rows): Steps =>
  (rows) => [remove(rows[who])];

type Case = [
  Source,
  /** The held one … */ string,
  Steps,
  /** … while … */ string,
  Steps,
  "conflicts" | "commits",
];

export const CASES: readonly Case[] = [
  // A document by its id.
  [
    READS,
    "got a document",
    readAnn,
    "it is patched",
    rerank("ann", 21),
    "conflicts",
  ],
  [
    READS,
    "got a document",
    readAnn,
    "it is replaced",
    ({ ann }) => [replace(ann, { group: "z", rank: 1 })],
    "conflicts",
  ],
  [READS, "got a document", readAnn, "it is deleted", drop("ann"), "conflicts"],
  [
    READS,
    "got a document",
    readAnn,
    "another one is patched",
    rerank("bob", 31),
    "commits",
  ],
  [READS, "got a document", readAnn, "one is inserted", add(21), "commits"],
  [
    TRANSACTION,
    "got a document",
    readAnn,
    "it is patched with what it has",
    rerank("ann", 20),
    "commits",
  ],
  [
    TRANSACTION,
    "got a document",
    readAnn,
    "it is replaced by the same",
    ({ ann }) => [replace(ann, { group: "a", rank: 20 })],
    "commits",
  ],
  [
    TRANSACTION,
    "patched a document unseen",
    annotate("ann"),
    "it is patched in another field",
    rerank("ann", 21),
    "conflicts",
  ],
  [
    TRANSACTION,
    "deleted a document unseen",
    drop("ann"),
    "it is patched",
    annotate("ann"),
    "conflicts",
  ],
  [
    TRANSACTION,
    "replaced a document unseen",
    ({ ann }) => [replace(ann, { group: "z", rank: 1 })],
    "it is deleted",
    drop("ann"),
    "conflicts",
  ],
  [
    TRANSACTION,
    "inserted only",
    add(50),
    "others insert next to it",
    add(50),
    "commits",
  ],
  [
    READS,
    "turned a string into an id",
    () => [{ op: "normalizeId", table: "items", id: "x" }],
    "that table changes",
    add(1),
    "commits",
  ],
  // Whole tables.
  [RANGE, "collected a table", all, "one is inserted", add(99), "conflicts"],
  [RANGE, "collected a table", all, "one is deleted", drop("bob"), "conflicts"],
  [
    RANGE,
    "collected a table",
    all,
    "another table changes",
    () => [insert("others", {})],
    "commits",
  ],
  [
    RANGE,
    "found a table empty",
    () => [find("fresh1")],
    "its first row appears",
    () => [insert("fresh1", {})],
    "conflicts",
  ],
  [
    RANGE,
    "collected a table",
    all,
    "a component's table of that name changes",
    () => [inLedger(insert("items", { group: "a", rank: 20 }))],
    "commits",
  ],
  // Ranges of an index.
  [
    RANGE,
    "collected a range",
    low,
    "one is inserted into it",
    add(25),
    "conflicts",
  ],
  [
    RANGE,
    "collected a range",
    low,
    "one is inserted at its closed end",
    add(20),
    "conflicts",
  ],
  [
    RANGE,
    "collected a range",
    low,
    "one is inserted at its open end",
    add(30),
    "commits",
  ],
  [
    RANGE,
    "collected a range",
    low,
    "one is inserted below it",
    add(19),
    "commits",
  ],
  [
    READS,
    "collected a range",
    low,
    "a row moves into it",
    rerank("cid", 29),
    "conflicts",
  ],
  [
    READS,
    "collected a range",
    low,
    "a row moves out of it",
    rerank("ann", 99),
    "conflicts",
  ],
  [
    READS,
    "collected a range",
    low,
    "a row outside moves about outside",
    rerank("cid", 99),
    "commits",
  ],
  [
    READS,
    "collected a range",
    low,
    "a field that is not indexed changes inside",
    annotate("ann"),
    "conflicts",
  ],
  [
    READS,
    "collected a range",
    low,
    "a field that is not indexed changes outside",
    annotate("bob"),
    "commits",
  ],
  [
    RANGE,
    "found a range empty",
    nobody,
    "one is inserted into it",
    add(1, "n"),
    "conflicts",
  ],
  [
    RANGE,
    "found a range empty",
    nobody,
    "one is inserted right before it",
    add(1, "m"),
    "commits",
  ],
  [
    RANGE,
    "found a range empty",
    nobody,
    "one is inserted right behind it",
    add(1, "na"),
    "commits",
  ],
  [
    RANGE,
    "found a range empty",
    nobody,
    "a row moves into it",
    ({ bob }) => [patch(bob, { group: "n" })],
    "conflicts",
  ],
  // Prefixes: a scan that stopped depends on what it passed only.
  [RANGE, "took the first", first, "it changes", annotate("ann"), "conflicts"],
  [
    RANGE,
    "took the first",
    first,
    "one is inserted in front",
    add(10),
    "conflicts",
  ],
  [
    RANGE,
    "took the first",
    first,
    "one is inserted right behind, with an equal key",
    add(20),
    "commits",
  ],
  [
    RANGE,
    "took the first",
    first,
    "the second one goes",
    drop("bob"),
    "commits",
  ],
  [
    RANGE,
    "took the last",
    last,
    "one is inserted behind",
    add(41),
    "conflicts",
  ],
  [
    RANGE,
    "took the last",
    last,
    "one is inserted right before it",
    add(39),
    "commits",
  ],
  [
    RANGE,
    "took the last",
    last,
    "the first one changes",
    annotate("ann"),
    "commits",
  ],
  [
    RANGE,
    "took two",
    take(2),
    "the second one changes",
    annotate("bob"),
    "conflicts",
  ],
  [
    RANGE,
    "took two",
    take(2),
    "one is inserted between them",
    add(25),
    "conflicts",
  ],
  [
    RANGE,
    "took two",
    take(2),
    "the third one changes",
    annotate("cid"),
    "commits",
  ],
  [
    RANGE,
    "took exactly as many as there are",
    take(3),
    "one is inserted behind",
    add(99),
    "commits",
  ],
  [
    RANGE,
    "wanted more than there are",
    take(4),
    "one is inserted behind",
    add(99),
    "conflicts",
  ],
  [
    RANGE,
    "asked for the unique one of a range",
    () => [
      find("items", {
        index: "by_rank",
        range: [["eq", "rank", 20]],
        end: "unique",
      }),
    ],
    "a second one comes",
    add(20),
    "conflicts",
  ],
  [
    docs("database/pagination"),
    "read a page",
    firstPage,
    "a row of it changes",
    annotate("bob"),
    "conflicts",
  ],
  [
    docs("database/pagination"),
    "read a page",
    firstPage,
    "one is inserted into it",
    add(25),
    "conflicts",
  ],
  [
    docs("database/pagination"),
    "read a page",
    firstPage,
    "one is inserted behind it",
    add(35),
    "commits",
  ],
  // Filters run behind the scan.
  [
    FILTER,
    "filtered a table",
    ofGroupB,
    "a row that it left out changes",
    annotate("ann"),
    "conflicts",
  ],
  [
    FILTER,
    "filtered a table",
    ofGroupB,
    "one is inserted that it would leave out",
    add(1, "a"),
    "conflicts",
  ],
  [
    FILTER,
    "took the first that passes a filter",
    firstOfGroupB,
    "one passed over changes",
    annotate("ann"),
    "conflicts",
  ],
  [
    FILTER,
    "took the first that passes a filter",
    firstOfGroupB,
    "one behind it changes",
    annotate("cid"),
    "commits",
  ],
  // Nested calls read and write for their caller.
  [
    NESTED,
    "read in a nested query",
    (rows) => [nestedQuery(...readAnn(rows))],
    "that changes",
    annotate("ann"),
    "conflicts",
  ],
  [
    NESTED,
    "read in a nested mutation",
    (rows) => [nested(...readAnn(rows))],
    "that changes",
    annotate("ann"),
    "conflicts",
  ],
  [
    NESTED,
    "rolled a nested mutation back that had read",
    (rows) => [attempt(nested(...readAnn(rows), fail()))],
    "that changes",
    annotate("ann"),
    "conflicts",
  ],
  [
    NESTED,
    "rolled a nested mutation back that had written",
    (rows) => [attempt(nested(...annotate("ann")(rows), fail()))],
    "that changes",
    rerank("ann", 21),
    "conflicts",
  ],
  [
    docs("api/interfaces/server.GenericMutationCtx"),
    "read a stale snapshot",
    (rows) => [stale(...readAnn(rows), ...all(rows))],
    "that changes",
    annotate("ann"),
    "commits",
  ],
  [
    RANGE,
    "read a component's table",
    () => [inLedger(find("items"))],
    "the app's table of that name changes",
    add(1),
    "commits",
  ],
  [
    RANGE,
    "read a component's table",
    () => [inLedger(find("items"))],
    "the component writes there",
    () => [inLedger(insert("items", { group: "a", rank: 1 }))],
    "conflicts",
  ],
  // Own writes.
  [
    TRANSACTION,
    "got what it had inserted itself",
    () => [insert("items", { group: "a", rank: 1 }, "own"), get("@own")],
    "others insert",
    add(1),
    "commits",
  ],
  [
    TRANSACTION,
    "found its own insert in a range",
    () => [insert("items", { group: "n", rank: 1 }), ...nobody({} as Rows)],
    "another one comes into the range",
    add(2, "n"),
    "conflicts",
  ],
  [
    TRANSACTION,
    "inserted and deleted again",
    () => [insert("items", { group: "a", rank: 1 }, "own"), remove("@own")],
    "others do the same",
    () => [insert("items", { group: "a", rank: 1 }, "own"), remove("@own")],
    "commits",
  ],
  // The scheduler's table is a table.
  [
    backend("crates/model/src/scheduled_jobs/mod.rs"),
    "scheduled a function",
    () => [{ op: "schedule", delayMs: 1e9 }],
    "others schedule",
    () => [{ op: "schedule", delayMs: 1e9 }],
    "commits",
  ],
  [
    backend("crates/database/src/virtual_tables/mod.rs"),
    "read the scheduled functions",
    () => [find("_scheduled_functions")],
    "one is scheduled",
    () => [{ op: "schedule", delayMs: 1e9 }],
    "conflicts",
  ],
];
