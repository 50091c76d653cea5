import type { Result } from "../result.js";

/** Of a measurement of our pool: nothing special. */
export function result(more: Partial<Result>): Result {
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
    computeGbHoursPerThousand: 0.002,
    databaseIoGbPerThousand: 0.001,
    dollarsPerMillion: 3,
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
