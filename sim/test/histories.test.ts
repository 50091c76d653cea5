import { beforeAll, describe, expect, test } from "vitest";
import type { App } from "../../embedded/src/runtime/types.js";
import { runHistory } from "../history.js";
import { parseOptions } from "../options.js";
import { tasksOf } from "../profiles.js";
import { REGRESSIONS } from "../regressions.js";
import { pushedVersions } from "../versions.js";

let versions: [App, App];
beforeAll(async () => {
  versions = await pushedVersions();
});

async function traceOf(seed: number): Promise<string[]> {
  const lines: string[] = [];
  await runHistory(versions, seed, (line) => lines.push(line));
  return lines;
}

test("the same seed is the same history, to the letter", async () => {
  const first = await traceOf(3);
  // What else runs in the process makes no difference.
  const other = await traceOf(4);
  expect(await traceOf(3)).toEqual(first);
  expect(other).not.toEqual(first);
});

describe("histories that once found something", () => {
  test.each(REGRESSIONS)("seed $seed: $found", async ({ seed }) => {
    const { violations } = await runHistory(versions, seed);
    expect(violations).toEqual([]);
  });
});

test("seeds are split among the profiles", () => {
  expect(tasksOf(["classic", "corners"], 7, 3)).toEqual([
    { profile: "classic", seed: 7 },
    { profile: "corners", seed: 7 },
    { profile: "classic", seed: 8 },
  ]);
});

describe("the command line", () => {
  test("runs many seeds, or one that may be traced", () => {
    expect(parseOptions(["--seeds", "20", "--from", "7"])).toEqual({
      profiles: ["classic", "corners", "light", "life"],
      from: 7,
      seeds: 20,
      trace: false,
      plant: null,
    });
    expect(parseOptions(["--seed", "3", "--trace"])).toMatchObject({
      profiles: ["classic"],
      from: 3,
      seeds: 1,
      trace: true,
    });
    expect(parseOptions(["--seed", "3", "--profile", "corners"])).toMatchObject(
      { profiles: ["corners"], from: 3, seeds: 1 },
    );
    expect(parseOptions(["--plant", "loop-dawdles"])).toMatchObject({
      profiles: ["corners"],
    });
    expect(parseOptions(["--help"])).toBeNull();
  });

  test.each([
    [["--seeds", "0"], "--seeds 0: it must be an integer of at least 1"],
    [["--seed", "x"], "--seed x: it must be an integer of at least 0"],
    [["--seed", "1", "--seeds", "2"], "--seed is one"],
    [["--trace"], "--trace needs a single --seed"],
    [
      ["--profile", "x"],
      "--profile x: it is one of classic, corners, light, life",
    ],
    [["--plant", "x"], "--plant x: there is none of that name"],
  ])("%j is refused: %s", (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
