/**
 * Random transactions from several clients at once, against a naive serial reference.
 *
 * Every transaction that was acknowledged is repeated on the reference in the order of
 * the commit timestamps; it must have seen what it sees there. Queries, stale reads and
 * a subscription must show the state as of their own timestamps.
 */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import fc from "fast-check";
import { describe, expect } from "vitest";
import { watch } from "../test/sync/events.js";
import type { Operation, Seen, SeenRow } from "./app/shared/operations.js";
import { conforms, docs } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";
import { Reference } from "./harness/reference.js";

const app = useDeployment({
  // Each is to commit in the end; how long it waits in between is not the question.
  limits: { mutationRetry: { retries: 1_000, initialMs: 1, maxMs: 4 } },
});

const RUNS = 20;
const CLIENTS = 4;

const key = fc.nat(9);
const value = fc.nat(2);
const range = fc
  .record({
    ends: fc.tuple(key, key),
    order: fc.constantFrom("asc" as const, "desc" as const),
    take: fc.constantFrom(1, 2, 100),
    value: fc.option(value, { nil: undefined, freq: 3 }),
  })
  .map(({ ends, order, take, value }) => ({
    low: Math.min(...ends),
    high: Math.max(...ends) + 1,
    order,
    take,
    ...(value !== undefined && { value }),
  }));

const { operation } = fc.letrec<{ operation: Operation; nested: Operation }>(
  (tie) => ({
    operation: fc.oneof(
      { maxDepth: 2 },
      {
        weight: 3,
        arbitrary: fc.record({
          op: fc.constant("insert" as const),
          key,
          value,
          tag: fc.constant(0),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          op: fc.constantFrom(
            "scan" as const,
            "nested scan" as const,
            "stale scan" as const,
          ),
          range,
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ op: fc.constant("move" as const), range, key }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ op: fc.constant("set" as const), range, value }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ op: fc.constant("remove" as const), range }),
      },
      { weight: 1, arbitrary: tie("nested") },
    ),
    nested: fc.record({
      op: fc.constant("nested" as const),
      operations: fc.array(tie("operation"), { minLength: 1, maxLength: 3 }),
      fails: fc.boolean(),
    }),
  }),
);
const transaction = fc.array(operation, { minLength: 1, maxLength: 5 });
const workload = fc.array(
  fc.array(transaction, { minLength: 3, maxLength: 6 }),
  {
    minLength: CLIENTS,
    maxLength: CLIENTS,
  },
);

/** Rows are told apart by their tags. */
function tagged(operations: Operation[], next: () => number): Operation[] {
  return operations.map((each) =>
    each.op === "insert"
      ? { ...each, tag: next() }
      : each.op === "nested"
        ? { ...each, operations: tagged(each.operations, next) }
        : each,
  );
}

interface Committed {
  operations: Operation[];
  begin: bigint;
  commit: bigint;
  seen: Seen[];
}
interface Snapshot {
  at: bigint;
  rows: SeenRow[];
}

/** One client: its transactions one after the other, with a query behind each. */
async function play(
  transactions: Operation[][],
  snapshots: Snapshot[],
): Promise<Committed[]> {
  const client = new ConvexHttpClient(app.url, { logger: false });
  const committed: Committed[] = [];
  for (const operations of transactions) {
    const answer = await client.mutation(api.model.run, { operations });
    committed.push({ operations, ...answer });
    snapshots.push(await client.query(api.model.everything, {}));
  }
  return committed;
}

describe("Random transactions", () => {
  conforms(
    "are as if they had run one after the other, in the order of their commit timestamps",
    docs("database/advanced/occ"),
    async () => {
      const watcher = new ConvexClient(app.url, { logger: false });
      app.resetStats();
      let tag = 0;
      await fc.assert(
        fc.asyncProperty(workload, async (clients) => {
          await app.client.mutation(api.model.clear, {});
          const { at: start } = await app.client.query(
            api.model.everything,
            {},
          );
          const watched = watch<Snapshot>(watcher, api.model.everything, {});
          const snapshots: Snapshot[] = [];
          const committed = (
            await Promise.all(
              clients.map((transactions) =>
                play(
                  transactions.map((each) => tagged(each, () => ++tag)),
                  snapshots,
                ),
              ),
            )
          )
            .flat()
            .sort((a, b) => (a.commit < b.commit ? -1 : 1));

          // The states there have been, and since when.
          const states = [{ since: start, state: new Reference() }];
          const asOf = (at: bigint) =>
            states.filter(({ since }) => since <= at).at(-1)!.state;
          for (const { operations, begin, commit, seen } of committed) {
            const state = states.at(-1)!.state.copy();
            expect(seen).toEqual(state.run(operations, seen, asOf(begin)));
            states.push({ since: commit, state });
          }
          const last = states.at(-1)!;
          expect(
            (await app.client.query(api.model.everything, {})).rows,
          ).toEqual(last.state.everything);
          await watched.until(({ latest }) => (latest?.at ?? 0n) >= start);
          watched.stop();
          for (const { at, rows } of [...snapshots, ...watched.results]) {
            if (at >= start) expect(rows).toEqual(asOf(at).everything);
          }
        }),
        { numRuns: RUNS },
      );
      await watcher.close();
      // It means something only if there were races.
      const { conflicts, calls } = app.stats()["|model:run"]!;
      expect(calls).toBeGreaterThanOrEqual(RUNS * CLIENTS * 3);
      expect(conflicts).toBeGreaterThan(RUNS);
    },
  );
});
