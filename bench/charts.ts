/** The charts of `docs/benchmarks.md`: bars, one group for each scenario, readable on light and dark. */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Pool } from "./pools.js";
import type { Result } from "./result.js";
import { figure } from "./render.js";

const DIRECTORY = fileURLToPath(new URL("../docs/images/", import.meta.url));

interface Chart {
  file: string;
  title: string;
  scenarios: string[];
  value(result: Result): number | null;
}

const CHARTS: Chart[] = [
  {
    file: "bench-calls.svg",
    title: "Function calls per job (fewer is better; the job itself is one)",
    scenarios: [
      "burst",
      "throughput",
      "mutations",
      "serial",
      "arrivals-5",
      "arrivals-50",
      "trickle",
      "saturated",
    ],
    value: (result) => result.functionCallsPerJob,
  },
  {
    file: "bench-documents.svg",
    title: "Documents written per job (fewer is better)",
    scenarios: [
      "burst",
      "burst-single",
      "throughput",
      "arrivals-50",
      "trickle",
      "callbacks",
    ],
    value: (result) => result.documentsWrittenPerJob,
  },
  {
    file: "bench-bytes.svg",
    title: "Kilobytes read and written per job (fewer is better)",
    scenarios: [
      "burst",
      "burst-single",
      "throughput",
      "arrivals-50",
      "trickle",
    ],
    value: (result) =>
      (result.bytesReadPerJob + result.bytesWrittenPerJob) / 1000,
  },
  {
    file: "bench-speed.svg",
    title: "Jobs per second at the same limit (more is better)",
    scenarios: ["burst", "throughput", "mutations", "callbacks"],
    value: (result) => (limited(result) ? result.jobsPerSecond : null),
  },
];

/** Speed says nothing about a pool that lets more run than it was allowed to. */
function limited(result: Result): boolean {
  return result.maxInFlight <= result.parallelism;
}

/** Writes the charts for which every scenario was measured; returns their files. */
export function writeCharts(results: Result[]): string[] {
  mkdirSync(DIRECTORY, { recursive: true });
  const measured = new Set(results.map(({ scenario }) => scenario));
  return CHARTS.filter(({ scenarios }) =>
    scenarios.every((scenario) => measured.has(scenario)),
  ).map((chart) => {
    writeFileSync(`${DIRECTORY}${chart.file}`, svg(chart, results));
    return chart.file;
  });
}

const POOLS: Pool[] = ["workpool", "@convex-dev/workpool", "scheduler"];
const NAMES: Record<Pool, string> = {
  workpool: "convex-workpool",
  "@convex-dev/workpool": "@convex-dev/workpool 0.4.12",
  scheduler: "ctx.scheduler, by hand",
};
const CLASSES: Record<Pool, string> = {
  workpool: "ours",
  "@convex-dev/workpool": "peer",
  scheduler: "hand",
};

const WIDTH = 760;
const LEFT = 120;
const RIGHT = 70;
const TOP = 64;
const BAR = 14;
const GAP = 14;

function svg(chart: Chart, results: Result[]): string {
  const bars = chart.scenarios.map((scenario) => ({
    scenario,
    values: POOLS.flatMap((pool) => {
      const result = results.find(
        (one) => one.scenario === scenario && one.pool === pool,
      );
      const value = result === undefined ? null : chart.value(result);
      return value === null ? [] : [{ pool, value }];
    }),
  }));
  const largest = Math.max(
    ...bars.flatMap(({ values }) => values.map(({ value }) => value)),
  );
  const scale = (value: number) => (value / largest) * (WIDTH - LEFT - RIGHT);
  const parts: string[] = [];
  let y = TOP;
  for (const { scenario, values } of bars) {
    const height = values.length * BAR;
    parts.push(
      `<text class="label" x="${LEFT - 10}" y="${y + height / 2 + 4}" text-anchor="end">${scenario}</text>`,
    );
    for (const { pool, value } of values) {
      const width = Math.max(1, scale(value));
      parts.push(
        `<rect class="${CLASSES[pool]}" x="${LEFT}" y="${y + 1}" width="${width.toFixed(1)}" height="${BAR - 2}" rx="2"/>`,
        `<text class="value" x="${(LEFT + width + 6).toFixed(1)}" y="${y + BAR - 3}">${figure(value)}</text>`,
      );
      y += BAR;
    }
    y += GAP;
  }
  const legend = POOLS.map(
    (pool, index) =>
      `<rect class="${CLASSES[pool]}" x="${LEFT + index * 200}" y="34" width="12" height="12" rx="2"/>` +
      `<text class="value" x="${LEFT + index * 200 + 18}" y="44">${NAMES[pool]}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-label="${chart.title}">
<style>
  text { font-family: system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .label { font-size: 13px; }
  .value { font-size: 11px; }
  .back { fill: #ffffff; }
  .ours { fill: #0969da; }
  .peer { fill: #bf8700; }
  .hand { fill: #8c959f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .back { fill: #0d1117; }
    .ours { fill: #4493f8; }
    .peer { fill: #d29922; }
    .hand { fill: #6e7681; }
  }
</style>
<rect class="back" width="${WIDTH}" height="${y}"/>
<text class="title" x="${LEFT}" y="20">${chart.title}</text>
${[...legend, ...parts].join("\n")}
</svg>
`;
}
