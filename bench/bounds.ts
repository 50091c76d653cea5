/**
 * `--check`: what our pool's work may cost, committed in `bounds.json`. Counts
 * alone, and the share of slots in use, which follows from them: none of it
 * depends on the machine.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { round } from "./percentiles.js";
import type { Result } from "./result.js";

const FILE = fileURLToPath(new URL("./bounds.json", import.meta.url));

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
  delayed: 0.05,
  cancel: 0.1,
  deep: 0.1,
  retries: 0.2,
  callbacks: 0.1,
  "callbacks-hot": 0.1,
  watched: 0.1,
  neighbours: 0.2,
  "large-arguments": 0.4,
  "lost-worker": 1,
};

/** Room for what a harmless change moves. */
const SLACK = 1.05;
/** Below this much, a relative slack says nothing. */
const LEAST = 0.01;

type Figures = Record<string, number>;

interface Bounds {
  most: Figures;
  least: Figures;
}

/** The figures that have an upper bound. */
function costs(result: Result): Figures {
  return {
    functionCallsPerJob: result.functionCallsPerJob,
    documentsWrittenPerJob: result.documentsWrittenPerJob,
    documentsReadPerJob: result.documentsReadPerJob,
    bytesWrittenPerJob: result.bytesWrittenPerJob,
    bytesReadPerJob: result.bytesReadPerJob,
    tombstonesPerJob: result.tombstonesPerJob,
    scheduledFunctionsPerJob: result.scheduledFunctionsPerJob,
    subTransactionsPerJob: result.subTransactionsPerJob,
    conflictsPerJob: result.conflictsPerJob,
    maxInFlight: result.maxInFlight,
    ...given({
      idleCallsPerMinute: result.idleCallsPerMinute,
      ...result.extra,
      // Part of the question, not of the answer.
      depth: null,
      started: null,
      lostJobs: null,
    }),
  };
}

function gains(result: Result): Figures {
  return given({ slotUtilization: result.slotUtilization });
}

function given(figures: Record<string, number | null>): Figures {
  return Object.fromEntries(
    Object.entries(figures).filter(([, value]) => value !== null),
  ) as Figures;
}

/** What is worse than its bound, in sentences. */
export function violations(
  results: Result[],
  bounds: Record<string, Bounds>,
): string[] {
  return results.flatMap((result) => {
    const { scenario } = result;
    const bound = bounds[scenario];
    if (bound === undefined) {
      return [`${scenario}: has no bounds; \`--accept\` sets them`];
    }
    const measured = { ...costs(result), ...gains(result) };
    const above = Object.entries(bound.most)
      .filter(([name, most]) => (measured[name] ?? Infinity) > most)
      .map(([name, most]) =>
        say(scenario, name, measured[name], "above", most),
      );
    const below = Object.entries(bound.least)
      .filter(([name, least]) => (measured[name] ?? -Infinity) < least)
      .map(([name, least]) =>
        say(scenario, name, measured[name], "below", least),
      );
    return [
      ...result.problems.map((problem) => `${scenario}: ${problem}`),
      ...above,
      ...below,
    ];
  });
}

function say(
  scenario: string,
  name: string,
  value: number | undefined,
  where: "above" | "below",
  bound: number,
): string {
  return value === undefined
    ? `${scenario}: ${name} was not measured`
    : `${scenario}: ${name} is ${value}, ${where} its bound of ${bound}`;
}

export function readBounds(): Record<string, Bounds> {
  return JSON.parse(readFileSync(FILE, "utf8")) as Record<string, Bounds>;
}

/** Makes what was measured now the bound, with a little room; what was not measured keeps its own. */
export function acceptBounds(results: Result[]): void {
  const measured = Object.fromEntries(
    results.map((result) => [
      result.scenario,
      {
        most: mapped(costs(result), (value, name) =>
          name === "maxInFlight"
            ? value
            : Math.max(value * SLACK, value + LEAST),
        ),
        least: mapped(gains(result), (value) => value / SLACK),
      },
    ]),
  );
  const bounds = existsSync(FILE) ? { ...readBounds(), ...measured } : measured;
  writeFileSync(FILE, `${JSON.stringify(bounds, null, 2)}\n`);
}

function mapped(
  figures: Figures,
  change: (value: number, name: string) => number,
): Figures {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [
      name,
      round(change(value, name)),
    ]),
  );
}
