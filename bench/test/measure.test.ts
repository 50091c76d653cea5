import { beforeAll, describe, expect, test } from "vitest";
import type { App } from "../../embedded/src/runtime/types.js";
import { DEFAULT_SETTING, type Setting } from "../model.js";
import { POOLS } from "../pools.js";
import { pushedApp } from "../push.js";
import { measure } from "../result.js";
import { SCENARIOS } from "../scenarios/index.js";

let app: App;
beforeAll(async () => {
  app = await pushedApp();
});

const run = (
  name: string,
  pool: (typeof POOLS)[number],
  more: Partial<Setting> = {},
) =>
  measure(
    app,
    SCENARIOS.find((scenario) => scenario.name === name)!,
    pool,
    {
      ...DEFAULT_SETTING,
      scale: 0.02,
      ...more,
    },
  );

describe.each(POOLS)("a measurement of %s", (pool) => {
  test("has the same result for the same seed, to the digit", async () => {
    expect(await run("throughput", pool)).toEqual(
      await run("throughput", pool),
    );
  });

  test("does not depend on whether calls get fresh modules", async () => {
    expect(await run("burst-single", pool, { reuseModules: false })).toEqual(
      await run("burst-single", pool),
    );
  });
});

test("another seed is another course of chance", async () => {
  const [one, other] = [
    await run("arrivals-20", "workpool"),
    await run("arrivals-20", "workpool", { seed: 2 }),
  ];
  expect(one.makespanMs).not.toEqual(other.makespanMs);
});

describe("a pool written by hand", () => {
  test("costs the calls and documents that one can count on fingers", async () => {
    const result = await run("burst", "scheduler");
    // The action and its completion; the row inserted and patched; batches of 500.
    expect(result).toMatchObject({
      jobs: 100,
      functionCallsPerJob: 2.01,
      clientCallsPerJob: 0.01,
      documentsWrittenPerJob: 2,
      scheduledFunctionsPerJob: 1,
      conflictsPerJob: 0,
      idleCallsPerMinute: 0,
    });
  });

  test("starts a job as late as the model says", async () => {
    const { startLatencyMs } = await run("trickle", "scheduler");
    // Pick-up 20, start 8.
    expect(startLatencyMs).toEqual({ p50: 28, p95: 28, p99: 28 });
  });

  test("is told off where it has no limit", async () => {
    const { problems } = await run("serial", "scheduler");
    expect(problems).toEqual(["10 handlers in flight where 1 are allowed"]);
  });
});

test("delays of the model can be stretched", async () => {
  const result = await run("trickle", "scheduler", { latency: 2 });
  expect(result.startLatencyMs!.p50).toBe(56);
});
