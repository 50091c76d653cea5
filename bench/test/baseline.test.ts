import { describe, expect, test } from "vitest";
import { CHECK_SCALES, compare, readBaseline } from "../baseline.js";
import { SCENARIOS } from "../scenarios/index.js";
import { result } from "./results.js";

const BASELINE = figures({});

function figures(more: Record<string, number>) {
  return {
    burst: {
      functionCallsPerJob: 1,
      documentsWrittenPerJob: 2,
      bytesWrittenPerJob: 100,
      documentsReadPerJob: 2,
      bytesReadPerJob: 100,
      tombstonesPerJob: 0,
      scheduledFunctionsPerJob: 0,
      subTransactionsPerJob: 0,
      conflictsPerJob: 0,
      computeGbHoursPerThousand: 0.002,
      slotUtilization: 0.95,
      idleCallsPerMinute: 0,
      maxInFlight: 10,
      ...more,
    },
  };
}

describe("the check against the committed baseline", () => {
  test("has nothing to say of what is the same", () => {
    expect(compare([result({})], BASELINE)).toEqual({
      violations: [],
      improvements: [],
    });
  });

  test("names the figure that costs more, and by how much, however little", () => {
    const { violations } = compare(
      [result({ functionCallsPerJob: 1.0003 })],
      BASELINE,
    );
    expect(violations).toEqual([
      "burst: functionCallsPerJob is 1.0003, above its baseline of 1 (by 0.0003, 0.03 %)",
    ]);
  });

  test("names a cost that was none before", () => {
    expect(
      compare([result({ conflictsPerJob: 0.01 })], BASELINE).violations,
    ).toEqual([
      "burst: conflictsPerJob is 0.01, above its baseline of 0 (by 0.01)",
    ]);
  });

  test.each([
    ["slotUtilization", { slotUtilization: 0.76 }, figures({})],
    ["slotsUsed", { extra: { slotsUsed: 0.76 } }, figures({ slotsUsed: 0.95 })],
  ])("names %s when it yields less", (name, more, baseline) => {
    expect(compare([result(more)], baseline).violations).toEqual([
      `burst: ${name} is 0.76, below its baseline of 0.95 (by 0.19, 20 %)`,
    ]);
  });

  test("mentions what has become better, and passes", () => {
    expect(
      compare(
        [result({ functionCallsPerJob: 0.9, slotUtilization: 0.96 })],
        BASELINE,
      ),
    ).toEqual({
      violations: [],
      improvements: [
        "burst: functionCallsPerJob is 0.9, below its baseline of 1 (by 0.1, 10 %)",
        "burst: slotUtilization is 0.96, above its baseline of 0.95 (by 0.01, 1.05 %)",
      ],
    });
  });

  test("does not take a figure that is missing for a good one", () => {
    const { violations } = compare(
      [result({ idleCallsPerMinute: null, slotUtilization: null })],
      BASELINE,
    );
    expect(violations).toEqual([
      "burst: slotUtilization was not measured",
      "burst: idleCallsPerMinute was not measured",
    ]);
  });

  test("wants a baseline for a figure that is new", () => {
    expect(
      compare([result({ extra: { failed: 3 } })], BASELINE).violations,
    ).toEqual(["burst: failed is 3 and has no baseline; `--accept` sets it"]);
  });

  test("takes what a scenario only says of itself for no cost", () => {
    expect(
      compare([result({ extra: { lostJobs: 3, depth: 9 } })], BASELINE),
    ).toEqual({ violations: [], improvements: [] });
  });

  test("fails for work that was not done", () => {
    expect(
      compare([result({ problems: ["3 of 100 did not run once"] })], BASELINE)
        .violations,
    ).toEqual(["burst: 3 of 100 did not run once"]);
  });

  test("fails for a scenario that has no baseline", () => {
    expect(
      compare([result({ scenario: "deep" })], BASELINE).violations,
    ).toEqual(["deep: has no baseline; `--accept` sets it"]);
  });

  test("leaves no scenario out", () => {
    const names = SCENARIOS.map(({ name }) => name).sort();
    expect(Object.keys(CHECK_SCALES).sort()).toEqual(names);
    expect(Object.keys(readBaseline()).sort()).toEqual(names);
  });
});
