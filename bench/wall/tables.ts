/** What was measured, ratios first: they do not depend on the machine as times do. */
import type { FunctionStats, Stats } from "../../embedded/src/runtime/types.js";
import { figure, percent, type Table } from "../render.js";
import { combined, zero } from "../used.js";
import type { RelayRun } from "./relay.js";
import type { RelayRuns } from "./relayRuns.js";
import { COMPONENTS, type Pair } from "./sideBySide.js";
import type { Spent } from "./spent.js";
import { ratios, spread, type Spread } from "./statistics.js";
import type { Throughput, Variant } from "./throughput.js";
import type { Case, WorkflowRuns } from "./workflow.js";

interface RelayFigure {
  name: string;
  unit: string;
  of(run: RelayRun): number;
  /** What is to be reached at most, of the ratio or of our own figure. */
  goal?: { most: number; of: "ratio" | "ours" };
}

const RELAY_FIGURES: readonly RelayFigure[] = [
  {
    name: "first webhook → last outcome",
    unit: "s",
    of: ({ seconds }) => seconds,
  },
  {
    name: "delivery accepted → its outcome, p50",
    unit: "ms",
    of: ({ outcomeMs }) => outcomeMs.p50,
  },
  { name: "the same, p95", unit: "ms", of: ({ outcomeMs }) => outcomeMs.p95 },
  {
    name: "the deployment's processor time per delivery",
    unit: "ms",
    of: ({ spent, deliveries }) => spent.cpuMs / deliveries,
    goal: { most: 0.75, of: "ratio" },
  },
  {
    name: "function calls per delivery",
    unit: "",
    of: ({ spent, deliveries }) => spent.calls / deliveries,
    goal: { most: 0.65, of: "ratio" },
  },
  {
    name: "the same without those of Relay's own functions",
    unit: "",
    of: ({ spent, deliveries }) => callsOfComponents(spent) / deliveries,
  },
  {
    name: "conflicts per delivery",
    unit: "",
    of: ({ spent, deliveries }) => spent.conflicts / deliveries,
    goal: { most: 0.01, of: "ours" },
  },
];

export function relayTable({ runs }: RelayRuns): Table {
  const { workpool: ours, "@convex-dev/workpool": peers } = runs;
  return {
    titles: [
      "figure",
      "unit",
      "ours ÷ peer",
      "from … to",
      "convex-workpool",
      "peer",
      "goal",
      "met",
    ],
    rows: RELAY_FIGURES.map(({ name, unit, of, goal }) => {
      const [mine, theirs] = [ours.map(of), peers.map(of)];
      const ratio = ratios(mine, theirs);
      const own = spread(mine).median;
      return [
        name,
        unit,
        times(ratio.median),
        range(ratio),
        figure(own),
        figure(spread(theirs).median),
        ...(goal === undefined
          ? ["", ""]
          : goal.of === "ratio"
            ? [`≤ ${times(goal.most)}`, met(ratio.median, goal.most)]
            : [`≤ ${goal.most}`, met(own, goal.most)]),
      ];
    }),
    notes: [othersNote([...ours, ...peers])],
  };
}

/** A machine that is shared makes all times longer, and figures that hang on time less certain. */
function othersNote(runs: readonly { spent: Spent }[]): string {
  const { median, least, most } = spread(
    runs.map(({ spent }) => spent.othersShare),
  );
  return `Other programs took ${percent(median)} of the machine's processors meanwhile (${percent(least)} … ${percent(most)}).`;
}

function callsOfComponents({ byFunction }: Spent): number {
  return Object.entries(byFunction)
    .filter(([name]) => !name.startsWith("|"))
    .reduce((sum, [, { calls }]) => sum + calls, 0);
}

/** What the wall time may be at most, as a share of the peer's. */
const WORKFLOW_GOAL = 0.8;

export function workflowTable({ version, cases }: WorkflowRuns): Table {
  return {
    titles: [
      "workflows",
      "steps each",
      "time, s",
      "peer's",
      "ours ÷ peer",
      "from … to",
      "goal",
      "met",
      "conflicts per step",
      "peer's",
      "calls per step",
      "peer's",
      "processor time ÷ peer's",
    ],
    rows: cases.map(({ of, runs }) => {
      const { workpool: ours, "@convex-dev/workpool": peers } = runs;
      const seconds = ({ seconds }: { seconds: number }) => seconds;
      const perStep = (count: (spent: Spent) => number) =>
        [ours, peers].map((own) =>
          figure(
            spread(own.map(({ spent }) => count(spent) / stepsOf(of))).median,
          ),
        );
      const cpu = ({ spent }: { spent: Spent }) => spent.cpuMs;
      const ratio = ratios(ours.map(seconds), peers.map(seconds));
      return [
        String(of.workflows),
        String(of.steps),
        figure(spread(ours.map(seconds)).median),
        figure(spread(peers.map(seconds)).median),
        times(ratio.median),
        range(ratio),
        `≤ ${times(WORKFLOW_GOAL)}`,
        met(ratio.median, WORKFLOW_GOAL),
        ...perStep(({ conflicts }) => conflicts),
        ...perStep(({ calls }) => calls),
        times(ratios(ours.map(cpu), peers.map(cpu)).median),
      ];
    }),
    notes: [
      `Run by @convex-dev/workflow ${version}; each step is an action of 10 ms.`,
      othersNote(
        cases.flatMap(({ runs }) =>
          COMPONENTS.flatMap((component) => runs[component]),
        ),
      ),
    ],
  };
}

function stepsOf({ workflows, steps }: Case): number {
  return workflows * steps;
}

/** One part of what is measured: what all its runs spent, for so many deliveries or steps. */
export interface SpentOn {
  name: string;
  spent: Pair<Spent[]>;
  count: number;
}

export function spentOnRelay({ runs }: RelayRuns): SpentOn {
  const ours = runs.workpool;
  return {
    name: "Relay, per delivery",
    spent: pair((component) => runs[component].map(({ spent }) => spent)),
    count: ours.reduce((sum, { deliveries }) => sum + deliveries, 0),
  };
}

export function spentOnWorkflows({ cases }: WorkflowRuns): SpentOn[] {
  return cases.map(({ of, runs }) => ({
    name: `${of.workflows} × ${of.steps}, per step`,
    spent: pair((component) => runs[component].map(({ spent }) => spent)),
    count: runs.workpool.length * stepsOf(of),
  }));
}

function pair<T>(of: (component: (typeof COMPONENTS)[number]) => T): Pair<T> {
  return Object.fromEntries(
    COMPONENTS.map((component) => [component, of(component)]),
  ) as Pair<T>;
}

/** Of `--functions`: which of them make the calls and meet the conflicts. */
export function functionsTable(parts: readonly SpentOn[]): Table {
  return {
    titles: [
      "what, pool",
      "function",
      "calls",
      "sub",
      "conflicts",
      "read",
      "written",
      "tombst.",
      "kB",
    ],
    rows: parts.flatMap(({ name, spent, count }) =>
      COMPONENTS.flatMap((component) =>
        Object.entries(byFunction(spent[component])).map(([of, used]) => [
          `${name}, ${component}`,
          of,
          figure(used.calls / count),
          figure(used.subTransactions / count),
          figure(used.conflicts / count),
          figure(used.documentsRead / count),
          figure(used.documentsWritten / count),
          figure(used.tombstonesScanned / count),
          figure((used.bytesRead + used.bytesWritten) / 1000 / count),
        ]),
      ),
    ),
    notes: [],
  };
}

/** Summed over all runs, without what never ran; what is called most comes first. */
function byFunction(runs: readonly Spent[]): Stats {
  const sums = new Map<string, FunctionStats>();
  for (const run of runs) {
    for (const [name, stats] of Object.entries(run.byFunction)) {
      sums.set(name, combined(sums.get(name) ?? zero(), stats, 1));
    }
  }
  const ran = [...sums].filter(
    ([, { calls, subTransactions }]) => calls + subTransactions > 0,
  );
  return Object.fromEntries(ran.sort(([, a], [, b]) => b.calls - a.calls));
}

/** `others` are of the other checkout, in the same order. */
export function throughputTable(
  results: Throughput[],
  others: Throughput[],
): Table {
  const unit = cpuPerOperation(results[0]!);
  return {
    titles: [
      "what",
      "store",
      `processor time ÷ ${results[0]!.load.name}`,
      "processor time, ms",
      "per second",
      ...(others.length > 0
        ? ["processor time ÷ before", "per second ÷ before"]
        : []),
    ],
    rows: results.map((result, index) => {
      const cpu = cpuPerOperation(result);
      const other = others[index];
      return [
        `${result.load.unit}: ${result.load.name}`,
        result.variant.store,
        times(spread(cpu).median / spread(unit).median),
        figure(spread(cpu).median),
        figure(spread(perSecond(result)).median),
        ...(other === undefined
          ? []
          : [
              times(ratios(cpu, cpuPerOperation(other)).median),
              times(ratios(perSecond(result), perSecond(other)).median),
            ]),
      ];
    }),
    notes: [],
  };
}

/** Where time goes in each case: the parts in the order of what they take in all. */
export function profileTable(
  cases: { name: string; store: string; time: Map<string, number> }[],
): Table {
  const sums = new Map<string, number>();
  const shares = cases.map(({ time }) => {
    const total = [...time.values()].reduce((a, b) => a + b, 0);
    const own = new Map([...time].map(([part, ms]) => [part, ms / total]));
    for (const [part, share] of own) {
      sums.set(part, (sums.get(part) ?? 0) + share);
    }
    return own;
  });
  const parts = [...sums].sort(([, a], [, b]) => b - a).map(([part]) => part);
  return {
    titles: ["what", "store", ...parts],
    rows: cases.map(({ name, store }, index) => [
      name,
      store,
      ...parts.map((part) => percent(shares[index]!.get(part) ?? 0)),
    ]),
    notes: [],
  };
}

export function profiledLoads(results: Throughput[]) {
  return results.map(({ load, variant, time }) => ({
    name: load.name,
    store: variant.store,
    time,
  }));
}

export function ofVariants(
  results: Throughput[],
  variants: readonly Variant[],
): Throughput[] {
  return results.filter(({ variant }) => variants.includes(variant));
}

function cpuPerOperation({ rounds }: Throughput): number[] {
  return rounds.map(({ cpuMs, count }) => cpuMs / count);
}

function perSecond({ rounds }: Throughput): number[] {
  return rounds.map(({ seconds, count }) => count / seconds);
}

function met(value: number, most: number): string {
  return value <= most ? "yes" : "no";
}

function times(ratio: number): string {
  return Number.isFinite(ratio) ? `${figure(ratio)} ×` : "–";
}

function range({ least, most }: Spread): string {
  return `${times(least)} … ${times(most)}`;
}
