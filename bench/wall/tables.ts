/** What was measured, ratios first: they do not depend on the machine as times do. */
import { figure, percent, type Table } from "../render.js";
import type { RelayRun } from "./relay.js";
import type { RelayRuns } from "./sideBySide.js";
import { ratios, spread, type Spread } from "./statistics.js";
import type { Throughput, Variant } from "./throughput.js";

const FIGURES: [figure: string, unit: string, of: (run: RelayRun) => number][] =
  [
    ["first webhook → last outcome", "s", ({ seconds }) => seconds],
    [
      "delivery accepted → its outcome, p50",
      "ms",
      ({ outcomeMs }) => outcomeMs.p50,
    ],
    ["the same, p95", "ms", ({ outcomeMs }) => outcomeMs.p95],
    [
      "the deployment's processor time per delivery",
      "ms",
      ({ cpuMs, deliveries }) => cpuMs / deliveries,
    ],
    [
      "function calls per delivery",
      "",
      ({ calls, deliveries }) => calls / deliveries,
    ],
    [
      "conflicts per delivery",
      "",
      ({ conflicts, deliveries }) => conflicts / deliveries,
    ],
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
    ],
    rows: FIGURES.map(([name, unit, of]) => {
      const [mine, theirs] = [ours.map(of), peers.map(of)];
      const ratio = ratios(mine, theirs);
      return [
        name,
        unit,
        times(ratio.median),
        range(ratio),
        figure(spread(mine).median),
        figure(spread(theirs).median),
      ];
    }),
    notes: [],
  };
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

function times(ratio: number): string {
  return Number.isFinite(ratio) ? `${figure(ratio)} ×` : "–";
}

function range({ least, most }: Spread): string {
  return `${times(least)} … ${times(most)}`;
}
