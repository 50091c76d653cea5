/** What the bench's tables say: a scenario's pools beneath each other, ratios to the peer. */
import type { GoalRow } from "./goals.js";
import type { RemoteResult } from "./remote.js";
import { figure, milliseconds, percent, type Table } from "./render.js";
import type { Result } from "./result.js";
import type { SweepRow } from "./sweep.js";

const COLUMNS: [string, (result: Result) => string][] = [
  ["scenario", ({ scenario }) => scenario],
  ["pool", ({ pool }) => pool],
  ["jobs", ({ jobs }) => String(jobs)],
  ["calls", (r) => figure(r.functionCallsPerJob)],
  ["written", (r) => figure(r.documentsWrittenPerJob)],
  ["read", (r) => figure(r.documentsReadPerJob)],
  ["tombst.", (r) => figure(r.tombstonesPerJob)],
  ["kB", (r) => figure((r.bytesReadPerJob + r.bytesWrittenPerJob) / 1000)],
  ["confl.", (r) => figure(r.conflictsPerJob)],
  ["$ per million jobs", (r) => figure(r.dollarsPerMillion)],
  ["start p50", (r) => milliseconds(r.startLatencyMs?.p50)],
  ["p95", (r) => milliseconds(r.startLatencyMs?.p95)],
  ["makespan", (r) => milliseconds(r.makespanMs)],
  ["jobs/s", (r) => figure(r.jobsPerSecond)],
  ["slots", (r) => percent(r.slotUtilization)],
  ["idle/min", (r) => figure(r.idleCallsPerMinute)],
];

export function resultsTable(results: Result[]): Table {
  return {
    titles: [...COLUMNS.map(([title]) => title), "calls ÷ peer"],
    rows: results.map((result) => [
      ...COLUMNS.map(([, cell]) => cell(result)),
      callsRatio(result, results),
    ]),
    notes: results.flatMap((result) =>
      [
        ...Object.entries(result.extra).map(
          ([name, value]) => `${name}: ${figure(value)}`,
        ),
        ...result.problems,
      ].map((note) => `${result.scenario}, ${result.pool}: ${note}`),
    ),
  };
}

/** Of `--functions`: where the costs are. */
export function functionsTable(results: Result[]): Table {
  return {
    titles: [
      "scenario, pool",
      "function",
      "calls",
      "sub",
      "read",
      "written",
      "tombst.",
      "kB",
      "confl.",
    ],
    rows: results.flatMap(({ scenario, pool, functions }) =>
      Object.entries(functions ?? {}).map(([name, used]) => [
        `${scenario}, ${pool}`,
        name,
        figure(used.calls),
        figure(used.subTransactions),
        figure(used.documentsRead),
        figure(used.documentsWritten),
        figure(used.tombstones),
        figure(used.bytes / 1000),
        figure(used.conflicts),
      ]),
    ),
    notes: [],
  };
}

function callsRatio(result: Result, results: Result[]): string {
  if (result.pool !== "workpool") return "";
  const peer = results.find(
    (other) =>
      other.scenario === result.scenario &&
      other.pool === "@convex-dev/workpool",
  );
  return peer === undefined
    ? ""
    : `${figure(result.functionCallsPerJob / peer.functionCallsPerJob)} ×`;
}

export function goalsTable(rows: GoalRow[]): Table {
  return {
    titles: ["figure", "scenario", "goal", "convex-workpool", "peer", "met"],
    rows: rows.map(({ what, scenario, goal, ours, peer, met }) => [
      what,
      scenario,
      goal,
      figure(ours),
      figure(peer),
      met === null ? "not measured" : met ? "yes" : "no",
    ]),
    notes: [],
  };
}

export function sweepTable(rows: SweepRow[]): Table {
  const pair = ([ours, peer]: [number | null, number | null]) => [
    figure(ours),
    figure(peer),
    ours === null || peer === null ? "–" : `${figure(ours / peer)} ×`,
  ];
  return {
    titles: [
      "model",
      "scenario",
      ...["calls", "written", "jobs/s"].flatMap((what) => [
        what,
        "peer",
        "ratio",
      ]),
    ],
    rows: rows.map(({ variant, scenario, calls, written, jobsPerSecond }) => [
      variant,
      scenario,
      ...pair(calls),
      ...pair(written),
      ...pair(jobsPerSecond),
    ]),
    notes: rows.flatMap(({ variant, scenario, problems }) =>
      problems.map((problem) => `${variant}, ${scenario}: ${problem}`),
    ),
  };
}

const REMOTE_COLUMNS: [string, (result: RemoteResult) => string][] = [
  ["scenario", ({ scenario }) => scenario],
  ["pool", ({ pool }) => pool],
  ["jobs", ({ jobs }) => String(jobs)],
  ["start p50", (r) => milliseconds(r.startLatencyMs?.p50)],
  ["p95", (r) => milliseconds(r.startLatencyMs?.p95)],
  ["makespan", (r) => milliseconds(r.makespanMs)],
  ["jobs/s", (r) => figure(r.jobsPerSecond)],
  ["slots", (r) => percent(r.slotUtilization)],
  ["in flight", (r) => String(r.maxInFlight)],
];

export function remoteTable(results: RemoteResult[]): Table {
  return {
    titles: REMOTE_COLUMNS.map(([title]) => title),
    rows: results.map((result) =>
      REMOTE_COLUMNS.map(([, cell]) => cell(result)),
    ),
    notes: results.flatMap(({ scenario, pool, problems }) =>
      problems.map((problem) => `${scenario}, ${pool}: ${problem}`),
    ),
  };
}
