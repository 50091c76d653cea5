import { describe, expect, test } from "vitest";
import { resultOf } from "../remote.js";
import { jobs } from "../workload.js";

const SCENARIO = { name: "throughput", parallelism: 2, deepQueue: true };
const load = (count: number) => ({
  jobs: jobs(count),
  job: "action" as const,
  feed: { kind: "clients" as const, clients: 1, size: count },
});
const time = (id: number, started: number, ended: number) => ({
  id,
  enqueued: 0,
  started,
  ended,
});

describe("what jobs on a deployment of the user's own say", () => {
  test("becomes spans, rates and slots in use", () => {
    const found = [time(0, 10, 110), time(1, 10, 110), time(2, 160, 260)];
    expect(resultOf(SCENARIO, "workpool", load(3), found)).toMatchObject({
      startLatencyMs: { p50: 10, p95: 160 },
      makespanMs: 260,
      maxInFlight: 2,
      // 200 of 2 × 150 ms.
      slotUtilization: 0.6667,
      problems: [],
    });
  });

  test("shows a pool that let more run than it was allowed to", () => {
    const found = [time(0, 0, 100), time(1, 50, 100), time(2, 60, 90)];
    expect(resultOf(SCENARIO, "scheduler", load(3), found)).toMatchObject({
      slotUtilization: null,
      problems: ["3 handlers in flight where 2 are allowed"],
    });
  });

  test("does not count an end and a start of one millisecond as two in flight", () => {
    const found = [time(0, 0, 100), time(1, 0, 100), time(2, 100, 200)];
    expect(resultOf(SCENARIO, "workpool", load(3), found).maxInFlight).toBe(2);
  });

  test("shows jobs that never ended or ran twice", () => {
    const found = [time(0, 0, 100), time(0, 100, 200)];
    expect(resultOf(SCENARIO, "workpool", load(3), found).problems).toEqual([
      "2 jobs ended, 1 of 3 at least once",
    ]);
  });
});
