/** Every planted bug is found: the simulation's checks see. */
import { expect, test } from "vitest";
import { ALL_PLANTS } from "../allPlants.js";
import { runTask } from "../profiles.js";
import { pushedVersions } from "../versions.js";

/** A bug that takes more seeds than this is not found. */
const MAX_SEEDS = 200;

test.each(ALL_PLANTS)("$name is found: $what", async (plant) => {
  const { patches, seed, profile, rule } = plant;
  const versions = await pushedVersions(patches);
  for (let tried = 0; tried < MAX_SEEDS; tried++) {
    const next = 1 + ((seed - 1 + tried) % MAX_SEEDS);
    const { violations } = await runTask(versions, { profile, seed: next });
    if (violations.some((found) => (rule ?? found.rule) === found.rule)) return;
  }
  expect.fail(`Not found in ${MAX_SEEDS} seeds.`);
});

test("a plant whose text is not there, or not once, is refused", async () => {
  const file = "src/component/wake.ts";
  const gone = { file, text: "no such text", replacement: "" };
  await expect(pushedVersions([gone])).rejects.toThrow(
    /wake\.ts should contain this text exactly once, but does 0 times/,
  );
  const common = { file, text: "return", replacement: "" };
  await expect(pushedVersions([common])).rejects.toThrow(/does \d+ times/);
});
