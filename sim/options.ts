/** The command line. */
import { parseArgs } from "node:util";
import { PLANTS, type Plant } from "./plants.js";

export interface Options {
  /** The first seed, and how many. */
  from: number;
  seeds: number;
  trace: boolean;
  plant: Plant | null;
}

export const USAGE = `npm run sim -- [options]

  --seeds N     so many simulated histories (default 100)
  --from S      the first of their seeds (default 1)
  --seed S      only this one
  --trace       print what happens in it
  --plant NAME  with a planted bug: ${PLANTS.map(({ name }) => name).join(", ")}
  --help        this text

It ends with "seeds N, commits N, faults N, violations N", and with exit code 1
if there were violations.`;

/** Throws with what is wrong with the arguments; null: help was asked for. */
export function parseOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: "string" },
      from: { type: "string" },
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
      plant: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const plant = plantNamed(values.plant);
  if (values.seed !== undefined) {
    if (values.seeds !== undefined || values.from !== undefined) {
      throw new Error("--seed is one; --seeds and --from are for many");
    }
    const from = integer("--seed", values.seed, 0);
    return { from, seeds: 1, trace: values.trace, plant };
  }
  if (values.trace) throw new Error("--trace needs a single --seed");
  return {
    from: values.from === undefined ? 1 : integer("--from", values.from, 0),
    seeds:
      values.seeds === undefined ? 100 : integer("--seeds", values.seeds, 1),
    trace: false,
    plant,
  };
}

function plantNamed(name: string | undefined): Plant | null {
  if (name === undefined) return null;
  const found = PLANTS.find((plant) => plant.name === name);
  if (found === undefined) {
    throw new Error(
      `--plant ${name}: there is none of that name; it is one of ${PLANTS.map((plant) => plant.name).join(", ")}`,
    );
  }
  return found;
}

function integer(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new Error(
      `${option} ${text}: it must be an integer of at least ${least}`,
    );
  }
  return value;
}
