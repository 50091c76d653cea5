/** The command line. */
import { parseArgs } from "node:util";
import { ALL_PLANTS, type AnyPlant } from "./allPlants.js";
import { type Profile, PROFILE_NAMES } from "./profiles.js";

export interface Options {
  /** The histories are split among them. */
  profiles: readonly Profile[];
  /** The first seed, and how many histories. */
  from: number;
  seeds: number;
  trace: boolean;
  plant: AnyPlant | null;
}

export const USAGE = `npm run sim -- [options]

  --seeds N       so many simulated histories (default 100), split among the profiles
  --from S        the first of their seeds (default 1)
  --seed S        only this one, of one profile (default classic)
  --profile NAME  how histories are drawn: ${PROFILE_NAMES.join(", ")} (default all;
                  with a planted bug, the one that finds it)
  --trace         print what happens in it
  --plant NAME    with a planted bug: ${ALL_PLANTS.map(({ name }) => name).join(", ")}
  --help          this text

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
      profile: { type: "string" },
      trace: { type: "boolean", default: false },
      plant: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const plant = plantNamed(values.plant);
  const chosen = profileNamed(values.profile) ?? plant?.profile;
  if (values.seed !== undefined) {
    if (values.seeds !== undefined || values.from !== undefined) {
      throw new Error("--seed is one; --seeds and --from are for many");
    }
    const from = integer("--seed", values.seed, 0);
    const profiles = [chosen ?? "classic"] as const;
    return { profiles, from, seeds: 1, trace: values.trace, plant };
  }
  if (values.trace) throw new Error("--trace needs a single --seed");
  return {
    profiles: chosen ? [chosen] : PROFILE_NAMES,
    from: values.from === undefined ? 1 : integer("--from", values.from, 0),
    seeds:
      values.seeds === undefined ? 100 : integer("--seeds", values.seeds, 1),
    trace: false,
    plant,
  };
}

function profileNamed(name: string | undefined): Profile | null {
  if (name === undefined) return null;
  const found = PROFILE_NAMES.find((profile) => profile === name);
  if (found === undefined) {
    throw new Error(
      `--profile ${name}: it is one of ${PROFILE_NAMES.join(", ")}`,
    );
  }
  return found;
}

function plantNamed(name: string | undefined): AnyPlant | null {
  if (name === undefined) return null;
  const found = ALL_PLANTS.find((plant) => plant.name === name);
  if (found === undefined) {
    throw new Error(
      `--plant ${name}: there is none of that name; it is one of ${ALL_PLANTS.map((plant) => plant.name).join(", ")}`,
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
