/** What must be true of every history, and how to see it. */
import { expect } from "vitest";
import { unfinishedJobs } from "../../sim/jobs.js";
import type { Row, Simulation } from "./simulation.js";

/** Everything the component keeps while there is work, and nothing else. */
export const WORKING_TABLES = [
  "work",
  "payload",
  "pendingStart",
  "running",
  "executor",
  "executorStats",
  "tag",
  "progress",
];

/** Of these tables, what belongs to no work that has ended: one that failed is kept as long as its outcome. */
export function rowsInUse(
  simulation: Simulation,
  table: string,
  component = "workpool",
): Row[] {
  const rows = simulation.rows(table, component);
  if (table === "work") {
    return rows.filter(({ endedAt }) => endedAt === undefined);
  }
  if (table !== "payload") return rows;
  const kept = simulation
    .rows("work", component)
    .filter(({ endedAt }) => endedAt !== undefined)
    .flatMap(({ argsId, onComplete }) => [argsId, onComplete?.contextId]);
  return rows.filter(({ _id }) => !kept.includes(_id));
}

/** No row is left over, nothing is scheduled, nobody has to look again. */
export function expectAtRest(
  simulation: Simulation,
  component = "workpool",
): void {
  const left = WORKING_TABLES.filter(
    (table) => rowsInUse(simulation, table, component).length > 0,
  );
  expect(left, "tables with rows").toEqual([]);
  const owed = simulation
    .rows("complete", component)
    .filter(({ callback }) => callback?.state === "owed");
  expect(owed, "callbacks owed").toEqual([]);
  expect(unfinishedJobs(simulation, component)).toEqual([]);
  expect(simulation.rows("runStatus", component)).toMatchObject([
    { state: { kind: "idle" }, validUntil: null },
  ]);
  expect(simulation.rows("loopState", component)).toMatchObject([
    { assigned: [], watch: null },
  ]);
}

/** Scheduled mutations of the component that ended failed: none ever may. */
export function failedMutations(
  simulation: Simulation,
  component = "workpool",
): string[] {
  return simulation
    .rows("_scheduled_functions", component)
    .filter(
      ({ name, state }) =>
        state.kind === "failed" && !name.startsWith("executor/run"),
    )
    .map(({ name, state }) => `${name}: ${state.error}`);
}

/** The kinds of all outcomes that callbacks were told, by key. */
export function outcomes(simulation: Simulation): Record<string, string> {
  const kinds: Record<string, string> = {};
  for (const { key, result } of simulation.rows("outcomes")) {
    kinds[key] = kinds[key] ? `${kinds[key]}, ${result.kind}` : result.kind;
  }
  return kinds;
}

/** `{ key: value }` for all of `keys`. */
export function all<T>(keys: readonly string[], value: T): Record<string, T> {
  return Object.fromEntries(keys.map((key) => [key, value]));
}

/** How many rows each key has. */
export function countByKey(rows: readonly Row[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { key } of rows) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

/** Calls of all functions so far, by function. */
export function calls(simulation: Simulation): Record<string, number> {
  return Object.fromEntries(
    Object.entries(simulation.stats()).map(([name, stats]) => [
      name,
      stats.calls,
    ]),
  );
}

/** Transactions that lost a race, of the functions whose name contains `name`. */
export function conflicts(simulation: Simulation, name: string): number {
  return Object.entries(simulation.stats())
    .filter(([each]) => each.includes(name))
    .reduce((sum, [, stats]) => sum + stats.conflicts, 0);
}
