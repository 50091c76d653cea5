/** What must be true once everything has ended, whatever happened on the way. */
import { expect } from "vitest";
import type { Work } from "./app/convex/requests.js";
import type { Batch } from "./load.js";
import type { Row, Store } from "./store.js";

const POOL = "workpool";

/** What the pool keeps while there is work, and nothing else. */
const WORKING_TABLES = [
  "payload",
  "pendingStart",
  "running",
  "executor",
  "executorStats",
];

export interface Counts {
  batches: { asked: number; acknowledged: number; committed: number };
  works: number;
  outcomes: Record<string, number>;
  callbacks: number;
  mutationEffects: number;
  actionCalls: number;
  attemptsLost: number;
}

/** Fails with the keys of works of which something is not true. */
export function audit(
  store: Store,
  batches: readonly Batch[],
  calls: ReadonlyMap<string, number>,
): Counts {
  const committed = store.rows("batches");
  const enqueued = new Map<string, string>(
    committed.flatMap(({ works }) =>
      works.map(({ key, workId }: Row) => [key, workId]),
    ),
  );
  expect(twice(committed.map(({ name }) => name)), "enqueued twice").toEqual(
    [],
  );
  const committedNames = new Set(committed.map(({ name }) => name));
  expect(
    namesOf(batches.filter((batch) => batch.acknowledged)).filter(
      (name) => !committedNames.has(name),
    ),
    "acknowledged, but lost",
  ).toEqual([]);

  const ends = groupBy(store.rows("complete", POOL), "workId");
  const callbacks = groupBy(store.rows("outcomes"), "workId");
  const effects = groupBy(store.rows("effects"), "key");
  const faults: string[] = [];
  const outcomes: Record<string, number> = {};
  let works = 0;
  let attemptsLost = 0;
  for (const batch of batches) {
    if (!committedNames.has(batch.name)) continue;
    for (const work of batch.works) {
      works += 1;
      const key = work.args.key as string;
      const workId = enqueued.get(key)!;
      const [end, ...more] = ends.get(workId) ?? [];
      if (end === undefined || more.length > 0) {
        faults.push(`${key} has ${more.length + (end ? 1 : 0)} outcomes`);
        continue;
      }
      const kind: string = end.result.kind;
      outcomes[kind] = (outcomes[kind] ?? 0) + 1;
      const handlerCalls = calls.get(key) ?? 0;
      attemptsLost += Math.max(0, end.attempts - handlerCalls);
      const seen = {
        end,
        callbacks: callbacks.get(workId) ?? [],
        effects: effects.get(key)?.length ?? 0,
        calls: handlerCalls,
      };
      faults.push(...faultsOf(work, seen).map((fault) => `${key} ${fault}`));
    }
  }
  expect(faults).toEqual([]);
  expect(ends.size, "outcomes of works that were enqueued").toBe(works);
  expectAtRest(store);

  return {
    batches: {
      asked: batches.length,
      acknowledged: batches.filter((batch) => batch.acknowledged).length,
      committed: committed.length,
    },
    works,
    outcomes,
    callbacks: store.rows("outcomes").length,
    mutationEffects: store.rows("effects").length,
    actionCalls: [...calls.values()].reduce((sum, count) => sum + count, 0),
    attemptsLost,
  };
}

interface Seen {
  end: Row;
  callbacks: Row[];
  effects: number;
  calls: number;
}

function faultsOf(work: Work, seen: Seen): string[] {
  const { end, callbacks, effects, calls } = seen;
  const kind: string = end.result.kind;
  const faults: string[] = [];
  const check = (holds: boolean, fault: string) => {
    if (!holds) faults.push(fault);
  };

  const wanted =
    work.callback === "always" ||
    (work.callback === "unless success" && kind !== "success");
  check(
    callbacks.length === (wanted ? 1 : 0),
    `had ${callbacks.length} callbacks, ${wanted ? "one" : "none"} wanted`,
  );
  check(
    callbacks.every((callback) => callback.kind === kind),
    `told its callback another outcome than ${kind}`,
  );
  check(end.callback?.state !== "owed", "still owes its callback");

  if (work.fnType === "mutation") {
    const written = kind === "success" ? 1 : 0;
    check(
      effects === written,
      `wrote ${effects} times, but its outcome is ${kind}`,
    );
    check(
      kind === "canceled" || (kind === "failed") === work.args.fails,
      `ended as ${kind}`,
    );
  }
  if (work.fnType === "query") check(kind !== "failed", `ended as ${kind}`);
  if (work.fnType === "action") {
    const { maxAttempts } = work.retry ?? { maxAttempts: 1 };
    check(
      calls <= end.attempts,
      `was called ${calls} times in ${end.attempts} attempts`,
    );
    check(
      end.attempts <= maxAttempts,
      `had ${end.attempts} attempts of ${maxAttempts}`,
    );
    check(
      kind !== "success" || (calls > work.args.failures && !work.args.hopeless),
      `succeeded after ${calls} calls`,
    );
  }
  return faults;
}

/** Nothing is left over, nothing is on its way, and nobody will ever look again. */
export function expectAtRest(store: Store): void {
  const left = WORKING_TABLES.filter(
    (table) => store.rows(table, POOL).length > 0,
  );
  expect(left, "tables with rows").toEqual([]);
  // A failed work keeps its row as long as its outcome is kept: it may be retried.
  const kept = store.rows("work", POOL);
  const failed = store
    .rows("complete", POOL)
    .filter(({ result }) => result.kind === "failed");
  expect(
    kept.map(({ _id }) => _id).sort(),
    "works whose row is there, beside those that failed",
  ).toEqual(failed.map(({ workId }) => workId).sort());
  expect(
    kept.filter(({ endedAt }) => endedAt === undefined),
    "works that have not ended",
  ).toEqual([]);
  for (const component of ["", POOL]) {
    const jobs = store
      .rows("_scheduled_functions", component)
      .filter(({ state }) => ["pending", "inProgress"].includes(state.kind));
    expect(jobs, "unfinished scheduled functions").toEqual([]);
  }
}

function namesOf(batches: readonly Batch[]): string[] {
  return batches.map(({ name }) => name);
}

function twice(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

function groupBy(rows: readonly Row[], field: string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row[field]);
    if (group) group.push(row);
    else groups.set(row[field], [row]);
  }
  return groups;
}
