import {
  cp,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../../embedded/src/runtime/types.js";
import { CHECK_SCALES, compare, readBaseline } from "../baseline.js";
import { DEFAULT_SETTING } from "../model.js";
import { pushedApp } from "../push.js";
import { measure, type Result } from "../result.js";
import { SCENARIOS } from "../scenarios/index.js";
import { PLANTS } from "./plants.js";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** A copy of all that a push of the bench's app takes in. */
let copy: string;
/** In the copy. */
let app: string;
beforeAll(async () => {
  copy = await mkdtemp(path.join(tmpdir(), "workpool-plants-"));
  for (const part of ["src", "bench/app", "tsconfig.base.json"]) {
    await cp(path.join(REPOSITORY, part), path.join(copy, part), {
      recursive: true,
    });
  }
  app = path.join(copy, "bench/app");
  await symlink(
    path.join(REPOSITORY, "node_modules"),
    path.join(copy, "node_modules"),
  );
});
afterAll(() => rm(copy, { recursive: true }));

/** What `--check` says of the app in these scenarios. */
async function check(app: App, scenarios: Iterable<string>): Promise<string[]> {
  const results: Result[] = [];
  for (const name of scenarios) {
    const scenario = SCENARIOS.find((one) => one.name === name)!;
    const setting = { ...DEFAULT_SETTING, scale: CHECK_SCALES[name]! };
    results.push(await measure(app, scenario, "workpool", setting));
  }
  return compare(results, readBaseline()).violations;
}

describe("the check against the committed baseline finds", () => {
  test.each(PLANTS)("$bug", async (plant) => {
    const { file, text, replacement, scenario, figure } = plant;
    const place = path.join(copy, file);
    const sound = await readFile(place, "utf8");
    const times = sound.split(text).length - 1;
    expect(times, `how often ${file} has the text to change: ${text}`).toBe(1);
    await writeFile(
      place,
      sound.replace(text, () => replacement),
    );
    try {
      expect(await check(await pushedApp(app), [scenario])).toContainEqual(
        expect.stringContaining(`${scenario}: ${figure} is `),
      );
    } finally {
      await writeFile(place, sound);
    }
  });
});

test("without a planted bug, the same scenarios are not worse than their baseline", async () => {
  const scenarios = new Set(PLANTS.map(({ scenario }) => scenario));
  expect(await check(await pushedApp(app), scenarios)).toEqual([]);
});
