import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { SeededRandomness, VirtualClock } from "../../src/clock.js";
import type { QueryOutcome } from "../../src/runtime/types.js";
import {
  openDatabase,
  type CommittedWrites,
  type Database,
  type ScanRequest,
} from "../../src/storage/index.js";
import { QueryCache, type QuerySpec } from "../../src/sync/queryCache.js";
import { SubscriptionIndex } from "../../src/sync/subscriptionIndex.js";

let database: Database;

beforeEach(() => {
  database = openDatabase({
    clock: new VirtualClock(),
    randomness: new SeededRandomness(1),
  });
  const transaction = database.begin();
  database.applySchema(transaction, "", {
    validate: true,
    tables: [
      {
        name: "items",
        documentType: { type: "any" },
        indexes: [{ name: "by_n", fields: ["n"] }],
      },
    ],
  });
  transaction.insert("", "items", { n: 0 });
  database.commit(transaction);
});

/** Items whose n is from `from` to below `to`. */
function range(from: number, to: number): ScanRequest {
  return {
    table: "items",
    index: "by_n",
    range: [
      { type: "Gte", fieldPath: "n", value: from },
      { type: "Lt", fieldPath: "n", value: to },
    ],
    order: "asc",
  };
}

function insert(n: number): string {
  const transaction = database.begin();
  const id = transaction.insert("", "items", { n });
  database.commit(transaction);
  return id;
}

describe("SubscriptionIndex", () => {
  test("finds exactly those whose read set a commit conflicts with", () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("range" as const),
        from: fc.integer({ min: 0, max: 20 }),
        length: fc.integer({ min: 0, max: 10 }),
      }),
      fc.record({
        kind: fc.constant("point" as const),
        which: fc.nat({ max: 9 }),
      }),
    );
    const write = fc.record({
      which: fc.option(fc.nat({ max: 9 }), { nil: null }),
      n: fc.integer({ min: 0, max: 30 }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 8 }),
        fc.array(write, { minLength: 1, maxLength: 5 }),
        fc.nat({ max: 7 }),
        (readers, writes, removed) => {
          const ids = Array.from({ length: 10 }, (_, n) => insert(n * 2));
          const index = new SubscriptionIndex();
          const watched = readers.map((steps) => {
            const transaction = database.begin();
            for (const each of steps) {
              if (each.kind === "point") transaction.get("", ids[each.which]!);
              else {
                const { from, length } = each;
                const scan = transaction.scan("", range(from, from + length));
                while (scan.next() !== null);
              }
            }
            return { readSet: transaction.readSet };
          });
          for (const each of watched) index.add(each);
          const gone = watched[removed];
          if (gone !== undefined) index.remove(gone);

          // Writes that change nothing are not told.
          let commit: CommittedWrites = { ts: 0n, writes: [], changes: [] };
          const stop = database.onCommit((each) => (commit = each));
          const transaction = database.begin();
          for (const { which, n } of writes) {
            if (which === null) transaction.insert("", "items", { n });
            else transaction.patch("", ids[which]!, { n });
          }
          database.commit(transaction);
          stop();

          const expected = watched.filter(
            (each) =>
              each !== gone && each.readSet.conflictsWith(commit) !== null,
          );
          expect(new Set(index.touchedBy(commit))).toEqual(new Set(expected));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("QueryCache", () => {
  const SPEC: QuerySpec = {
    component: "",
    name: "items:below10",
    args: {},
    journal: null,
    admin: false,
  };
  let runs: number;
  /** Called while a query runs, after it has read. */
  let meanwhile: () => void | Promise<void>;
  let cache: QueryCache;

  async function run(_spec: QuerySpec, at: bigint): Promise<QueryOutcome> {
    runs += 1;
    const transaction = database.begin({ at });
    const scan = transaction.scan("", range(0, 10));
    let count = 0;
    while (scan.next() !== null) count += 1;
    await meanwhile();
    return {
      outcome: { ok: true, value: count, logLines: [] },
      ts: at,
      readSet: transaction.readSet,
      journal: null,
    };
  }

  beforeEach(() => {
    runs = 0;
    meanwhile = () => {};
    cache = new QueryCache(database, run);
  });

  test("runs a query once for all who watch it", async () => {
    const watching = await Promise.all(
      [1, 2, 3].map(() => cache.watch(SPEC, database.latestTs, () => {})),
    );
    expect(runs).toBe(1);
    expect(new Set(watching.map(({ result }) => result)).size).toBe(1);
  });

  test("tells everyone who watches when a commit touches what was read", async () => {
    const told: number[] = [];
    for (const who of [1, 2]) {
      await cache.watch(SPEC, database.latestTs, () => told.push(who));
    }
    insert(50);
    expect(told).toEqual([]);
    insert(5);
    expect(told).toEqual([1, 2]);
    insert(6);
    expect(told).toEqual([1, 2]);
  });

  test("keeps a result right for as long as nothing touched it", async () => {
    const { result } = await cache.watch(SPEC, database.latestTs, () => {});
    insert(50);
    expect(result.isRightAt(database.latestTs)).toBe(true);
    const before = database.latestTs;
    insert(5);
    expect(result.isRightAt(before)).toBe(true);
    expect(result.isRightAt(database.latestTs)).toBe(false);
  });

  test("does not take a result for current that was overtaken while it was computed", async () => {
    meanwhile = () => void insert(5);
    const { result } = await cache.watch(SPEC, database.latestTs, () => {});
    expect(result.isRightAt(result.ts)).toBe(true);
    expect(result.isRightAt(database.latestTs)).toBe(false);
    meanwhile = () => {};
    const again = await cache.watch(SPEC, database.latestTs, () => {});
    expect(again.result.outcome.outcome).toMatchObject({ value: 2 });
  });

  test("forgets a result when nobody watches it any more", async () => {
    const told: number[] = [];
    const { release } = await cache.watch(SPEC, database.latestTs, () =>
      told.push(1),
    );
    release();
    insert(5);
    expect(told).toEqual([]);
    await cache.watch(SPEC, database.latestTs, () => {});
    expect(runs).toBe(2);
  });

  test("takes nothing for right after a push, not even what was running then", async () => {
    const first = await cache.watch(SPEC, database.latestTs, () => {});
    cache.invalidateAll(database.latestTs + 1n);
    expect(first.result.invalidAt).toBe(database.latestTs + 1n);
    insert(50);
    meanwhile = () => cache.invalidateAll(database.latestTs + 1n);
    const { result } = await cache.watch(SPEC, database.latestTs, () => {});
    insert(50);
    expect(result.isRightAt(database.latestTs)).toBe(false);
  });

  test("passes on that a query could not be run, and keeps nothing of it", async () => {
    let overloaded = true;
    const strained = new QueryCache(database, async (spec, at) =>
      overloaded
        ? {
            outcome: {
              ok: false,
              system: true,
              code: "TooManyConcurrentRequests",
              message: "Too many",
              logLines: [],
            },
            ts: at,
            readSet: database.begin().readSet,
            journal: null,
          }
        : run(spec, at),
    );
    const at = database.latestTs;
    await expect(strained.watch(SPEC, at, () => {})).rejects.toThrow(
      "Too many",
    );
    overloaded = false;
    const { result } = await strained.watch(SPEC, at, () => {});
    expect(result.outcome.outcome).toMatchObject({ ok: true });
  });
});
