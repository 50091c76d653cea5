/** Every planted bug is found: the simulation's checks see. */
import { expect, test } from "vitest";
import { ALL_PLANTS } from "../allPlants.js";
import { runTask } from "../profiles.js";
import { pushedVersions } from "../versions.js";

/** A bug that takes more seeds than this is not found. */
const MAX_SEEDS = 200;

/** Tests of every `parts`-th plant: files of tests run side by side. */
export function findPlants(part: number, parts: number): void {
  const plants = ALL_PLANTS.filter((_, index) => index % parts === part);
  test.each(plants)("$name is found: $what", async (plant) => {
    const { patches, seed, profile, rule } = plant;
    const versions = await pushedVersions(patches);
    for (let tried = 0; tried < MAX_SEEDS; tried++) {
      const next = 1 + ((seed - 1 + tried) % MAX_SEEDS);
      const { violations } = await runTask(versions, { profile, seed: next });
      if (violations.some((found) => (rule ?? found.rule) === found.rule)) {
        return;
      }
    }
    expect.fail(`Not found in ${MAX_SEEDS} seeds.`);
  });
}
