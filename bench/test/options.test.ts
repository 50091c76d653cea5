import { describe, expect, test } from "vitest";
import { parseOptions } from "../options.js";

describe("the bench's options", () => {
  test("choose every scenario and every pool unless told otherwise", () => {
    const { scenarios, pools } = parseOptions([])!;
    expect(scenarios.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["burst", "deep", "lost-worker"]),
    );
    expect(pools).toEqual(["workpool", "@convex-dev/workpool", "scheduler"]);
  });

  test("narrow and stretch it", () => {
    const options = parseOptions(
      "--scenario serial --scenario burst --pool workpool --scale 0.5 --latency 4 --class S16 --ops 8 --seed 7 --json".split(
        " ",
      ),
    )!;
    expect(options.scenarios.map(({ name }) => name)).toEqual([
      "serial",
      "burst",
    ]);
    expect(options.pools).toEqual(["workpool"]);
    expect(options.json).toBe(true);
    expect(options.setting).toMatchObject({
      scale: 0.5,
      latency: 4,
      class: "S16",
      ops: 8,
      seed: 7,
    });
  });

  test.each([
    [["--scenario", "brust"], "--scenario brust: there is none of that name"],
    [["--class", "S17"], "--class S17: there is none of that name"],
    [["--scale", "0"], "--scale 0: it must be a number above 0"],
    [["--latency", "fast"], "--latency fast: it must be a number above 0"],
    [["--url", "http://127.0.0.1:1"], "--url and --admin-key go together"],
    [["--check", "--publish"], "exclude each other"],
    [["--speed", "2"], "--speed"],
  ])("refuse %j by name", (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
