import { beforeAll, describe, expect, test } from "vitest";
import type { App } from "../../embedded/src/runtime/types.js";
import { DEFAULT_SETTING, type Setting } from "../model.js";
import { LIMITED_POOLS, POOLS } from "../pools.js";
import { pushedApp } from "../push.js";
import { measure } from "../result.js";
import { SCENARIOS } from "../scenarios/index.js";
import type { Scenario } from "../scenarios/scenario.js";
import { measureAll } from "../workers.js";

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

test("several processes measure what one measures, to the digit", async () => {
  const tasks = ["arrivals-20", "death-memory"].map((scenario) => ({
    scenario,
    pool: "workpool" as const,
    setting: { ...DEFAULT_SETTING, scale: 0.02 },
  }));
  const alone: unknown[] = [];
  for (const { scenario, pool } of tasks) alone.push(await run(scenario, pool));
  const told: string[] = [];
  const onResult = ({ scenario }: { scenario: string }) =>
    void told.push(scenario);
  expect(await measureAll(app, tasks, onResult, 2)).toEqual(alone);
  expect(told).toEqual(tasks.map(({ scenario }) => scenario));
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

describe.each(LIMITED_POOLS)("beside works of %s", (pool) => {
  test("that are mutations and slow, the user's own functions take what the model says while it is idle", async () => {
    // "problems" would tell of works that were not slow.
    expect(await run("neighbours-mutations-100", pool)).toMatchObject({
      extra: {
        mutationAloneMeanMs: 15,
        // Pick-up 20, start 8, until it runs 12.5.
        scheduledAloneMeanMs: 40.5,
        httpAloneMeanMs: 5,
      },
      problems: [],
    });
  });

  test("that enqueue others, the user's mutation takes what the model says", async () => {
    const { extra, problems, jobs } = await run("fan", pool);
    // A group of each kind, and a batch of fifty for each of its works, and as many of users.
    expect(jobs).toBe(2 * 4 + 3 * 4 * 50);
    expect(problems).toEqual([]);
    expect(extra.userP50Ms).toBe(15);
  });
});

test.each(LIMITED_POOLS)(
  "the next link of a chain begins when the one before it and its callback are over: %s",
  async (pool) => {
    const { extra, jobs, problems } = await run("chains-5", pool, {
      scale: 0.2,
    });
    expect([jobs, problems]).toEqual([20, []]);
    // Its work is 10 ms, its report 15, the way to the next handler 8.
    expect(extra.hopMeanMs).toBeGreaterThanOrEqual(33);
  },
);

describe("no action lives longer than the platform lets it", () => {
  const MINUTE_MS = 60_000;
  /** A job that wants 40 minutes: how long its attempts went on, and how it ended. */
  const old = async (pool: (typeof POOLS)[number]) => {
    const seen = { minutes: [] as number[], ended: 0, kinds: [] as unknown[] };
    const scenario: Scenario = {
      name: "old",
      what: "",
      parallelism: 1,
      async measure(run) {
        const { meter, world } = run;
        const before = world.totals();
        const job = { id: 0, ms: 40 * MINUTE_MS };
        await run.enqueue([job], { callback: "recorded" });
        await meter.until(() => meter.inFlight === 1);
        await meter.until(() => meter.inFlight === 0);
        const [start] = meter.job(0).starts;
        seen.minutes.push((world.now - start!) / MINUTE_MS);
        seen.ended = meter.ended;
        const measured = await run.settled(1, before);
        seen.kinds = world.documents("outcomes").map(({ kind }) => kind);
        return measured;
      },
    };
    await measure(app, scenario, pool, DEFAULT_SETTING);
    return seen;
  };

  test("30 minutes if it is scheduled", async () => {
    expect(await old("scheduler")).toMatchObject({ minutes: [30], ended: 1 });
  });

  test("30 minutes of its caller's life if it is called", async () => {
    const { minutes, ended, kinds } = await old("@convex-dev/workpool");
    // The caller is older than what it calls, by a few milliseconds.
    expect(minutes[0]).toBeCloseTo(30, 1);
    expect(minutes[0]).toBeLessThan(30);
    expect(ended).toBe(0);
    expect(kinds).toEqual(["failed"]);
  });
});

test("delays of the model can be stretched", async () => {
  const result = await run("trickle", "scheduler", { latency: 2 });
  expect(result.startLatencyMs!.p50).toBe(56);
});
