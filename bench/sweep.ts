/** Do the ratios hang on the model? The same scenarios under other delays, another class, fewer parallel operations. */
import type { Setting } from "./model.js";
import type { Result } from "./result.js";
import type { Task } from "./worker.js";

interface Variant {
  name: string;
  change: Partial<Setting>;
}

const VARIANTS: Variant[] = [
  { name: "as it is", change: {} },
  { name: "delays × 0.5", change: { latency: 0.5 } },
  { name: "delays × 2", change: { latency: 2 } },
  { name: "delays × 4", change: { latency: 4 } },
  { name: "8 parallel operations per action", change: { ops: 8 } },
  { name: "class S16", change: { class: "S16" } },
  { name: "class S16, 8 operations", change: { class: "S16", ops: 8 } },
];
const SCENARIOS = ["burst", "throughput", "serial", "arrivals-20", "trickle"];
const PAIR = ["workpool", "@convex-dev/workpool"] as const;
const SCALE = 0.2;

export interface SweepRow {
  variant: string;
  scenario: string;
  calls: [number, number];
  written: [number, number];
  jobsPerSecond: [number | null, number | null];
  problems: string[];
}

export function sweepTasks(setting: Setting): Task[] {
  return VARIANTS.flatMap(({ change }) =>
    SCENARIOS.flatMap((scenario) =>
      PAIR.map((pool) => ({
        scenario,
        pool,
        setting: { ...setting, scale: setting.scale * SCALE, ...change },
      })),
    ),
  );
}

/** `results` in the order of the tasks. */
export function sweepRows(results: Result[]): SweepRow[] {
  const rows: SweepRow[] = [];
  let next = 0;
  for (const { name } of VARIANTS) {
    for (const scenario of SCENARIOS) {
      const ours = results[next++]!;
      const peer = results[next++]!;
      rows.push({
        variant: name,
        scenario,
        calls: [ours.functionCallsPerJob, peer.functionCallsPerJob],
        written: [ours.documentsWrittenPerJob, peer.documentsWrittenPerJob],
        jobsPerSecond: [ours.jobsPerSecond, peer.jobsPerSecond],
        problems: [...ours.problems, ...peer.problems],
      });
    }
  }
  return rows;
}
