/** The command line. */
import { parseArgs } from "node:util";
import { DEFAULT_SETTING, type Setting } from "./model.js";
import { POOLS, type Pool } from "./pools.js";
import { SCENARIOS } from "./scenarios/index.js";
import type { Scenario } from "./scenarios/scenario.js";

/**
 * Show what is measured; or also put it into the documentation; compare a small
 * run with the committed baseline, or make it the baseline; or vary the model.
 */
export type Mode = "show" | "publish" | "compare" | "accept" | "sweep";

export interface Options {
  scenarios: Scenario[];
  pools: Pool[];
  setting: Setting;
  json: boolean;
  mode: Mode;
  /** A deployment of the user's own. */
  target: { url: string; adminKey: string } | null;
}

export const USAGE = `npm run bench -- [options]

  --scenario NAME   only this one (may be repeated): ${SCENARIOS.map((s) => s.name).join(", ")}
  --pool NAME       only this one (may be repeated): ${POOLS.join(", ")}
  --scale F         so many times the jobs (default 1)
  --full            the sizes that take long, too
  --latency F       so many times the delays of the model (default 1)
  --class C         S16 or S256 (default)
  --ops N           parallel operations per action (default 1000)
  --seed N          another course of chance (default 1)
  --check           our pool at a small scale, against the committed baseline: some minutes
  --accept          the same, making what is measured the baseline
  --sweep           a few scenarios under other delays, classes and limits
  --publish         everything and the sweep, into docs/benchmarks.md and docs/images
  --url U, --admin-key K
                    on this deployment instead: pushes the bench's app (replacing
                    what is there!) and measures what can be seen from outside
  --functions       also what each function did
  --json            one JSON object per line
  --help            this text`;

/** Throws with what is wrong with the arguments; null: help was asked for. */
export function parseOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      scenario: { type: "string", multiple: true },
      pool: { type: "string", multiple: true },
      scale: { type: "string" },
      full: { type: "boolean", default: false },
      latency: { type: "string" },
      class: { type: "string" },
      ops: { type: "string" },
      seed: { type: "string" },
      url: { type: "string" },
      "admin-key": { type: "string" },
      check: { type: "boolean", default: false },
      accept: { type: "boolean", default: false },
      functions: { type: "boolean", default: false },
      sweep: { type: "boolean", default: false },
      publish: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  return {
    scenarios: chosen(
      "--scenario",
      values.scenario,
      SCENARIOS,
      ({ name }) => name,
    ),
    pools: chosen("--pool", values.pool, [...POOLS], (name) => name),
    setting: {
      scale: positive("--scale", values.scale, DEFAULT_SETTING.scale),
      latency: positive("--latency", values.latency, DEFAULT_SETTING.latency),
      ops: positive("--ops", values.ops, DEFAULT_SETTING.ops),
      seed: positive("--seed", values.seed, DEFAULT_SETTING.seed),
      class: chosen(
        "--class",
        values.class && [values.class],
        CLASSES,
        same,
      )[0]!,
      transactionMs: DEFAULT_SETTING.transactionMs,
      reuseModules: DEFAULT_SETTING.reuseModules,
      functions: values.functions,
      full: values.full,
    },
    json: values.json,
    mode: modeOf(values),
    target: targetOf(values.url, values["admin-key"]),
  };
}

function modeOf(given: {
  check: boolean;
  accept: boolean;
  sweep: boolean;
  publish: boolean;
}): Mode {
  const modes: Mode[] = [
    ...(given.check ? (["compare"] as const) : []),
    ...(given.accept ? (["accept"] as const) : []),
    ...(given.sweep ? (["sweep"] as const) : []),
    ...(given.publish ? (["publish"] as const) : []),
  ];
  if (modes.length > 1) {
    throw new Error(
      "--check, --accept, --sweep and --publish exclude each other",
    );
  }
  return modes[0] ?? "show";
}

function targetOf(
  url: string | undefined,
  adminKey: string | undefined,
): Options["target"] {
  if (url === undefined && adminKey === undefined) return null;
  if (url === undefined || adminKey === undefined) {
    throw new Error("--url and --admin-key go together");
  }
  return { url, adminKey };
}

const CLASSES: Setting["class"][] = [DEFAULT_SETTING.class, "S16"];
const same = (name: string) => name;

function chosen<T>(
  option: string,
  names: string[] | "" | undefined,
  from: T[],
  nameOf: (one: T) => string,
): T[] {
  if (!names) return from;
  return names.map((name) => {
    const found = from.find((one) => nameOf(one) === name);
    if (found === undefined) {
      throw new Error(
        `${option} ${name}: there is none of that name; it is one of ${from.map(nameOf).join(", ")}`,
      );
    }
    return found;
  });
}

function positive(
  option: string,
  text: string | undefined,
  otherwise: number,
): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) {
    throw new Error(`${option} ${text}: it must be a number above 0`);
  }
  return value;
}
