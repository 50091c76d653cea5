/**
 * `--check`: what our pool's work costs, to the digit, as committed in
 * `baseline.json`. Counts, the share of slots in use and times of the virtual
 * clock alone: the same code has the same figures on every machine, so there is
 * no slack. A commit that makes one worse says why.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { figure } from "./render.js";
import type { Result } from "./result.js";

const FILE = fileURLToPath(new URL("./baseline.json", import.meta.url));

/** How large each scenario is run: small, but large enough for what it is to show. */
export const CHECK_SCALES: Record<string, number> = {
  burst: 0.3,
  "burst-single": 0.2,
  throughput: 0.3,
  mutations: 0.2,
  serial: 0.3,
  sustained: 0.1,
  "arrivals-5": 0.3,
  "arrivals-20": 0.15,
  "arrivals-50": 0.2,
  "arrivals-slow": 0.2,
  trickle: 0.1,
  "storm-idle": 1,
  "storm-busy": 1,
  saturated: 0.1,
  "saturated-spread": 0.1,
  delayed: 0.05,
  cancel: 0.1,
  deep: 0.1,
  retries: 0.2,
  callbacks: 0.1,
  "callbacks-hot": 0.1,
  "chains-1": 1,
  "chains-5": 1,
  "chains-20": 0.5,
  "chains-50": 0.4,
  fan: 0.5,
  watched: 0.1,
  neighbours: 0.2,
  "large-arguments": 0.4,
  "lost-worker": 1,
  // As many works as the limit, whatever the scale.
  "neighbours-mutations-100": 0.25,
  "neighbours-mutations-200": 0.25,
  "neighbours-mutations-500": 0.25,
  "neighbours-actions-100": 0.5,
  "neighbours-actions-200": 0.5,
  "neighbours-actions-500": 0.5,
  // Still several lifetimes of an executor.
  "mixed-10min": 0.3,
  "mixed-spread": 0.3,
  "mixed-5min": 0.3,
  aged: 1,
  // Their size is the point.
  restart: 1,
  "restart-small": 1,
  "restart-contexts": 1,
  "death-system": 1,
  "death-memory": 1,
  timeouts: 0.1,
  "timeouts-burst": 0.1,
  unique: 0.1,
  "unique-burst": 0.1,
  "unique-duplicates": 0.1,
  "tags-1": 0.1,
  "tags-5": 0.1,
  expiring: 0.1,
  attached: 0.2,
  "attached-short": 0.2,
  heartbeats: 0.1,
  "heartbeats-often": 0.1,
  suspended: 0.1,
  "retries-history": 0.1,
  "list-pages": 0.1,
  "retry-filter": 0.1,
};

export type Figures = Record<string, number>;
export type Baseline = Record<string, Figures>;

/** Of these, more is better. */
const GAINS = new Set(["slotUtilization", "slotsUsed"]);

/** Part of the question, not of the answer. */
const GIVEN = new Set(["depth", "started", "lostJobs", "windowMinutes"]);

function figuresOf(result: Result): Figures {
  const figures: Record<string, number | null> = {
    functionCallsPerJob: result.functionCallsPerJob,
    documentsWrittenPerJob: result.documentsWrittenPerJob,
    documentsReadPerJob: result.documentsReadPerJob,
    bytesWrittenPerJob: result.bytesWrittenPerJob,
    bytesReadPerJob: result.bytesReadPerJob,
    tombstonesPerJob: result.tombstonesPerJob,
    scheduledFunctionsPerJob: result.scheduledFunctionsPerJob,
    subTransactionsPerJob: result.subTransactionsPerJob,
    conflictsPerJob: result.conflictsPerJob,
    computeGbHoursPerThousand: result.computeGbHoursPerThousand,
    maxInFlight: result.maxInFlight,
    idleCallsPerMinute: result.idleCallsPerMinute,
    slotUtilization: result.slotUtilization,
    ...result.extra,
  };
  return Object.fromEntries(
    Object.entries(figures).filter(
      ([name, value]) => value !== null && !GIVEN.has(name),
    ),
  ) as Figures;
}

export interface Comparison {
  /** What is worse, missing or not done, in sentences. */
  violations: string[];
  improvements: string[];
}

export function compare(results: Result[], baseline: Baseline): Comparison {
  const violations: string[] = [];
  const improvements: string[] = [];
  for (const result of results) {
    const { scenario } = result;
    violations.push(
      ...result.problems.map((problem) => `${scenario}: ${problem}`),
    );
    const accepted = baseline[scenario];
    if (accepted === undefined) {
      violations.push(`${scenario}: has no baseline; \`--accept\` sets it`);
      continue;
    }
    const measured = figuresOf(result);
    const names = new Set([...Object.keys(accepted), ...Object.keys(measured)]);
    for (const name of names) {
      const [was, is] = [accepted[name], measured[name]];
      if (was === is) continue;
      const said = `${scenario}: ${say(name, is, was)}`;
      if (isWorse(name, is, was)) violations.push(said);
      else improvements.push(said);
    }
  }
  return { violations, improvements };
}

/** What is missing on one side is no good news: either way somebody has to look. */
function isWorse(
  name: string,
  is: number | undefined,
  was: number | undefined,
): boolean {
  if (is === undefined || was === undefined) return true;
  return GAINS.has(name) ? is < was : is > was;
}

function say(
  name: string,
  is: number | undefined,
  was: number | undefined,
): string {
  if (is === undefined) return `${name} was not measured`;
  if (was === undefined) {
    return `${name} is ${is} and has no baseline; \`--accept\` sets it`;
  }
  const percent =
    was === 0
      ? ""
      : `, ${figure((Math.abs(is - was) / Math.abs(was)) * 100)} %`;
  const by = `${figure(Math.abs(is - was))}${percent}`;
  return `${name} is ${is}, ${is > was ? "above" : "below"} its baseline of ${was} (by ${by})`;
}

export function readBaseline(): Baseline {
  return JSON.parse(readFileSync(FILE, "utf8")) as Baseline;
}

/** Makes what was measured now the baseline; what was not measured keeps its own. */
export function acceptBaseline(results: Result[]): void {
  const measured = Object.fromEntries(
    results.map((result) => [result.scenario, figuresOf(result)]),
  );
  const kept = existsSync(FILE) ? readBaseline() : {};
  // In the order of the scenarios, so that a difference shows figures alone.
  const baseline = Object.fromEntries(
    Object.keys(CHECK_SCALES).flatMap((name) => {
      const figures = measured[name] ?? kept[name];
      return figures === undefined ? [] : [[name, figures]];
    }),
  );
  writeFileSync(FILE, `${JSON.stringify(baseline, null, 2)}\n`);
}
