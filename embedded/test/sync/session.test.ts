import { beforeEach, describe, expect, test } from "vitest";
import { SeededRandomness, VirtualClock } from "../../src/clock.js";
import type { FunctionOutcome } from "../../src/runtime/types.js";
import {
  openDatabase,
  type Database,
  type JSONObject,
  type Ts,
} from "../../src/storage/index.js";
import type { SyncBackend } from "../../src/sync/backend.js";
import { decodeTs, type ServerMessage } from "../../src/sync/protocol.js";
import { QueryCache } from "../../src/sync/queryCache.js";
import { SyncSession } from "../../src/sync/session.js";

/**
 * A deployment with one query, which sums up the counters named in its
 * arguments, and one mutation, which counts one of them up.
 */
let clock: VirtualClock;
let database: Database;
let session: SyncSession;
let sent: ServerMessage[];
let closed: { code?: number; reason?: string } | null;
let congested: boolean;
/** What the next query runs into instead of its result. */
let failures: FunctionOutcome[];
let onRead: () => void;
let onMutation: (name: string) => Promise<void>;
let internalErrors: unknown[];
let runs: number;

function counterOf(name: string) {
  const transaction = database.begin();
  const scan = transaction.scan("", {
    table: "counters",
    index: "by_name",
    range: [{ type: "Eq", fieldPath: "name", value: name }],
    order: "asc",
  });
  return { transaction, found: scan.next() };
}

function count(name: string): Ts {
  const { transaction, found } = counterOf(name);
  if (found === null) {
    transaction.insert("", "counters", { name, value: 1 });
  } else {
    transaction.patch("", found.id, { value: Number(found.value.value) + 1 });
  }
  return database.commit(transaction);
}

function createBackend(): SyncBackend {
  return {
    clock,
    latestTs: () => database.latestTs,
    queries: new QueryCache(database, async (spec, at) => {
      runs += 1;
      const transaction = database.begin({ at });
      let sum = 0;
      for (const name of spec.args.names as string[]) {
        const scan = transaction.scan("", {
          table: "counters",
          index: "by_name",
          range: [{ type: "Eq", fieldPath: "name", value: name }],
          order: "asc",
        });
        sum += Number(scan.next()?.value.value ?? 0);
        // Commits may come between two reads.
        onRead();
        await Promise.resolve();
      }
      return {
        outcome: failures.shift() ?? { ok: true, value: sum, logLines: [] },
        ts: at,
        readSet: transaction.readSet,
        journal: null,
      };
    }),
    async mutation(call) {
      const name = call.args.name as string;
      await onMutation(name);
      return {
        outcome: { ok: true, value: null, logLines: [] },
        ts: count(name),
      };
    },
    action: async () => ({ ok: true, value: "done", logLines: [] }),
    authenticate: () => ({ caller: { kind: "client" } }),
    onInternalError: (error) => internalErrors.push(error),
  };
}

beforeEach(() => {
  clock = new VirtualClock();
  database = openDatabase({ clock, randomness: new SeededRandomness(1) });
  const transaction = database.begin();
  database.applySchema(transaction, "", {
    validate: true,
    tables: [
      {
        name: "counters",
        documentType: { type: "any" },
        indexes: [{ name: "by_name", fields: ["name"] }],
      },
    ],
  });
  database.commit(transaction);
  sent = [];
  closed = null;
  congested = false;
  failures = [];
  internalErrors = [];
  runs = 0;
  onRead = () => {};
  onMutation = async () => {};
  session = new SyncSession(createBackend(), {
    send: (message) => sent.push(message),
    close: (code, reason) => (closed = { code, reason }),
    get congested() {
      return congested;
    },
  });
});

let querySet = 0;
beforeEach(() => {
  querySet = 0;
});

function receive(message: JSONObject): void {
  session.receive(JSON.stringify(message));
}

function watch(queryId: number, ...names: string[]): void {
  modify({
    type: "Add",
    queryId,
    udfPath: "counters:sum",
    args: [{ names }],
  });
}

function modify(modification: JSONObject): void {
  receive({
    type: "ModifyQuerySet",
    baseVersion: querySet,
    newVersion: querySet + 1,
    modifications: [modification],
  });
  querySet += 1;
}

function mutate(requestId: number, name: string): void {
  receive({
    type: "Mutation",
    requestId,
    udfPath: "counters:count",
    args: [{ name }],
  });
}

async function settled(): Promise<void> {
  await clock.runUntilIdle();
}

function transitions() {
  return sent.filter((message) => message.type === "Transition");
}

/** Query id → value, of each transition. */
function updates() {
  return transitions().map(({ modifications }) =>
    Object.fromEntries(
      modifications.map((each) => [
        each.queryId,
        each.type === "QueryUpdated" ? each.value : each.type,
      ]),
    ),
  );
}

test("each transition starts where the one before ended", async () => {
  watch(1, "a");
  await settled();
  count("a");
  await settled();
  modify({ type: "Remove", queryId: 1 });
  await settled();

  expect(updates()).toEqual([{ 1: 0 }, { 1: 1 }, { 1: "QueryRemoved" }]);
  const [first, ...rest] = transitions();
  expect(first!.startVersion).toEqual({
    querySet: 0,
    identity: 0,
    ts: "AAAAAAAAAAA=",
  });
  let previous = first!;
  for (const next of rest) {
    expect(next.startVersion).toEqual(previous.endVersion);
    expect(decodeTs(next.endVersion.ts)).toBeGreaterThanOrEqual(
      decodeTs(next.startVersion.ts),
    );
    previous = next;
  }
  expect(previous.endVersion).toMatchObject({ querySet: 2, identity: 0 });
});

test("all results of a transition are of one point in time", async () => {
  watch(1, "a", "b", "c");
  watch(2, "c", "b", "a");
  await settled();
  // Commits fall between the reads of the two queries.
  for (let i = 0; i < 20; i++) {
    void Promise.resolve().then(() => count("abc"[i % 3]!));
    count("a");
    if (i % 5 === 0) await settled();
  }
  await settled();
  for (const update of updates()) expect(update[1]).toBe(update[2]);
  expect(updates().at(-1)).toEqual({ 1: 40, 2: 40 });
});

test("a commit that overtakes a running query is made up for", async () => {
  let overtaken = false;
  onRead = () => {
    if (!overtaken) count("a");
    overtaken = true;
  };
  watch(1, "a");
  await settled();
  expect(updates()).toEqual([{ 1: 0 }, { 1: 1 }]);
});

test("a burst of commits costs one update", async () => {
  watch(1, "a");
  await settled();
  const before = runs;
  for (let i = 0; i < 50; i++) count("a");
  await settled();
  expect(updates()).toEqual([{ 1: 0 }, { 1: 50 }]);
  expect(runs).toBe(before + 1);
});

test("a result that is the same again is not sent again", async () => {
  watch(1, "a");
  await settled();
  count("a");
  const { transaction, found } = counterOf("a");
  transaction.remove("", found!.id);
  database.commit(transaction);
  mutate(0, "b");
  await settled();
  expect(updates()).toEqual([{ 1: 0 }, {}]);
});

test("a mutation's answer comes before the transition that contains it", async () => {
  watch(1, "a");
  await settled();
  mutate(7, "a");
  await settled();
  const [, response, transition] = sent;
  expect(response).toMatchObject({
    type: "MutationResponse",
    requestId: 7,
    success: true,
  });
  expect(transition).toMatchObject({ type: "Transition" });
  expect(updates().at(-1)).toEqual({ 1: 1 });
  expect(
    decodeTs((transition as { endVersion: { ts: string } }).endVersion.ts),
  ).toBeGreaterThanOrEqual(decodeTs((response as { ts: string }).ts));
});

test("a transition follows every answer, also when nothing changed for the client", async () => {
  receive({
    type: "Action",
    requestId: 1,
    udfPath: "counters:act",
    args: [{}],
  });
  await settled();
  expect(sent.map(({ type }) => type)).toEqual([
    "ActionResponse",
    "Transition",
  ]);
});

test("mutations run one after the other, in the order they were sent", async () => {
  const begun: string[] = [];
  onMutation = async (name) => {
    begun.push(`${name} begins`);
    await clock.sleep(name === "a" ? 100 : 1);
    begun.push(`${name} ends`);
  };
  for (const [id, name] of ["a", "b", "c"].entries()) mutate(id, name);
  await settled();
  expect(begun).toEqual(
    ["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});

test("more than a thousand mutations that wait are too many", async () => {
  onMutation = () => new Promise(() => {});
  for (let id = 0; id <= 1001; id++) mutate(id, "a");
  expect(closed).toEqual({ code: 1013, reason: "TooManyConcurrentMutations" });
});

test("a mutation that never ends costs the connection, not the client's patience", async () => {
  onMutation = () => new Promise(() => {});
  mutate(0, "a");
  await clock.advance(60_000);
  expect(closed).toEqual({ code: 1011, reason: "InternalServerError" });
});

test("a client that does not read is sent nothing more until it does", async () => {
  watch(1, "a");
  await settled();
  congested = true;
  count("a");
  count("a");
  await settled();
  expect(updates()).toEqual([{ 1: 0 }]);

  congested = false;
  session.resume();
  await settled();
  expect(updates()).toEqual([{ 1: 0 }, { 1: 2 }]);
});

test("queries are tried again when the deployment is overloaded", async () => {
  failures = [
    {
      ok: false,
      system: true,
      code: "TooManyConcurrentRequests",
      message: "Too many",
      logLines: [],
    },
  ];
  watch(1, "a");
  await settled();
  expect(updates()).toEqual([{ 1: 0 }]);
  expect(closed).toBeNull();
});

test("a query that fails is told with its data, and may recover", async () => {
  failures = [
    { ok: false, message: "broken", data: { why: "x" }, logLines: [] },
  ];
  watch(1, "a");
  await settled();
  expect(transitions()[0]!.modifications).toEqual([
    {
      type: "QueryFailed",
      queryId: 1,
      errorMessage: "broken",
      errorData: { why: "x" },
      logLines: [],
      journal: null,
    },
  ]);
  count("a");
  await settled();
  expect(updates().at(-1)).toEqual({ 1: 1 });
});

test("a fault inside a mutation is reported, and ends the connection", async () => {
  onMutation = () => Promise.reject(new Error("a fault"));
  mutate(0, "a");
  await settled();
  expect(internalErrors).toEqual([new Error("a fault")]);
  expect(closed).toEqual({ code: 1011, reason: "InternalServerError" });
});

test("a path that no function can have is the client's fault", () => {
  modify({ type: "Add", queryId: 1, udfPath: "a b", args: [{}] });
  expect(sent).toMatchObject([
    { type: "FatalError", error: expect.stringContaining('"a b"') },
  ]);
});

describe("after the end", () => {
  test("nothing is sent and nothing is watched", async () => {
    watch(1, "a");
    await settled();
    session.dispose();
    const before = runs;
    count("a");
    mutate(0, "a");
    await settled();
    expect(sent).toHaveLength(1);
    expect(runs).toBe(before);
  });

  test("a query that was still running is let go of", async () => {
    watch(1, "a");
    const update = settled();
    session.dispose();
    await update;
    expect(sent).toEqual([]);
    expect(internalErrors).toEqual([]);
  });
});
