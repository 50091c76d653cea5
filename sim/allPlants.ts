/** The bugs to plant, each with the profile in whose histories it is to be found. */
import { CORNER_PLANTS } from "./corners/plants.js";
import { LIFE_PLANTS } from "./life/plants.js";
import { LIGHT_PLANTS } from "./light/plants.js";
import { type Plant, PLANTS } from "./plants.js";
import type { Profile } from "./profiles.js";

export interface AnyPlant extends Plant {
  profile: Profile;
  /** The rule that finds it; left out: any. */
  rule?: string;
}

export const ALL_PLANTS: readonly AnyPlant[] = [
  ...PLANTS.map((plant) => ({ ...plant, profile: "classic" as const })),
  ...CORNER_PLANTS.map((plant) => ({ ...plant, profile: "corners" as const })),
  ...LIGHT_PLANTS.map((plant) => ({ ...plant, profile: "light" as const })),
  ...LIFE_PLANTS.map((plant) => ({ ...plant, profile: "life" as const })),
];
