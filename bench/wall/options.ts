/** The command line. */
import path from "node:path";
import { parseArgs } from "node:util";
import { samples } from "../../example/github/samples.js";

export const PARTS = ["workflow", "relay", "throughput"] as const;
export type Part = (typeof PARTS)[number];

export interface Options {
  parts: readonly Part[];
  runs: number;
  webhooks: number;
  scale: number;
  /** Another checkout of this repository. */
  against: string | null;
  functions: boolean;
  publish: boolean;
}

export const USAGE = `npm run bench:wall -- [options]

Measures on this machine's clock, as ratios of runs side by side. Leave the
machine alone meanwhile. Everything takes about a quarter of an hour.

  --only PART       only workflow (the published @convex-dev/workflow on this pool
                    and on the peer), relay (the demo's workload through this pool
                    and through the peer) or throughput (of the embedded deployment)
  --runs N          how often each is measured (default 5)
  --webhooks N      how many of the demo's webhooks are sent (default all ${samples.length})
  --scale F         so many times the operations of each round of throughput (default 1)
  --against DIR     throughput also of the embedded deployment in another checkout
                    of this repository, in which npm ci was run
  --functions       shows what each function of workflow and relay did
  --publish         puts the tables into docs/benchmarks.md
  --help            this text`;

/** Throws with what is wrong with the arguments; null: help was asked for. */
export function parseOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string" },
      runs: { type: "string", default: "5" },
      webhooks: { type: "string", default: String(samples.length) },
      scale: { type: "string", default: "1" },
      against: { type: "string" },
      functions: { type: "boolean", default: false },
      publish: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const { only, against } = values;
  const parts = PARTS.filter((part) => only === undefined || part === only);
  if (parts.length === 0) {
    throw new Error(
      `--only ${only}: it must be ${PARTS.slice(0, -1).join(", ")} or ${PARTS.at(-1)}`,
    );
  }
  const webhooks = wholeNumber("--webhooks", values.webhooks);
  if (webhooks > samples.length) {
    throw new Error(
      `--webhooks ${webhooks}: there are ${samples.length} samples`,
    );
  }
  const scale = Number(values.scale);
  if (!(scale > 0 && scale < Infinity)) {
    throw new Error(`--scale ${values.scale}: it must be a number above 0`);
  }
  return {
    parts,
    runs: wholeNumber("--runs", values.runs),
    webhooks,
    scale,
    against: against === undefined ? null : path.resolve(against),
    functions: values.functions,
    publish: values.publish,
  };
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`${option} ${text}: it must be a whole number above 0`);
  }
  return value;
}
