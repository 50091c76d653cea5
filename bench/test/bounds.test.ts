import { describe, expect, test } from "vitest";
import { CHECK_SCALES, readBounds, violations } from "../bounds.js";
import type { Result } from "../result.js";
import { SCENARIOS } from "../scenarios/index.js";

function result(more: Partial<Result>): Result {
  return {
    scenario: "burst",
    pool: "workpool",
    jobs: 100,
    parallelism: 10,
    functionCallsPerJob: 1,
    clientCallsPerJob: 0,
    documentsWrittenPerJob: 2,
    bytesWrittenPerJob: 100,
    documentsReadPerJob: 2,
    bytesReadPerJob: 100,
    tombstonesPerJob: 0,
    scheduledFunctionsPerJob: 0,
    subTransactionsPerJob: 0,
    conflictsPerJob: 0,
    startLatencyMs: null,
    makespanMs: null,
    jobsPerSecond: null,
    slotUtilization: 0.95,
    idleCallsPerMinute: 0,
    maxInFlight: 10,
    extra: {},
    problems: [],
    ...more,
  };
}

const BOUNDS = {
  burst: {
    most: { functionCallsPerJob: 1.1, idleCallsPerMinute: 0 },
    least: { slotUtilization: 0.9 },
  },
};

describe("the check against committed bounds", () => {
  test("passes what is within them", () => {
    expect(violations([result({})], BOUNDS)).toEqual([]);
  });

  test("names the figure that costs too much, and by how much", () => {
    expect(violations([result({ functionCallsPerJob: 2.1 })], BOUNDS)).toEqual([
      "burst: functionCallsPerJob is 2.1, above its bound of 1.1",
    ]);
  });

  test("names the figure that yields too little", () => {
    expect(violations([result({ slotUtilization: 0.4 })], BOUNDS)).toEqual([
      "burst: slotUtilization is 0.4, below its bound of 0.9",
    ]);
  });

  test("does not take a figure that is missing for a good one", () => {
    expect(
      violations(
        [result({ idleCallsPerMinute: null, slotUtilization: null })],
        BOUNDS,
      ),
    ).toEqual([
      "burst: idleCallsPerMinute was not measured",
      "burst: slotUtilization was not measured",
    ]);
  });

  test("fails for work that was not done", () => {
    expect(
      violations([result({ problems: ["3 of 100 did not run once"] })], BOUNDS),
    ).toEqual(["burst: 3 of 100 did not run once"]);
  });

  test("fails for a scenario that has no bounds", () => {
    expect(violations([result({ scenario: "deep" })], BOUNDS)).toEqual([
      "deep: has no bounds; `--accept` sets them",
    ]);
  });

  test("leaves no scenario out", () => {
    const names = SCENARIOS.map(({ name }) => name).sort();
    expect(Object.keys(CHECK_SCALES).sort()).toEqual(names);
    expect(Object.keys(readBounds()).sort()).toEqual(names);
  });
});
