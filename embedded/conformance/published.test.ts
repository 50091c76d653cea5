/**
 * Components that others have written and published, each doing its documented job,
 * pushed by the official CLI and called by the official clients.
 */
import { fileURLToPath } from "node:url";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { startDeployment, type Deployment } from "../src/index.js";
import { deployDirectory } from "../test/cli/convex.js";
import { watch } from "../test/sync/events.js";
import { conforms, npm } from "./harness/case.js";
import { api } from "./harness/deployment.js";
import { useGate } from "./harness/gate.js";
import { SkippableClock } from "./harness/skippableClock.js";

const APP = fileURLToPath(new URL("published", import.meta.url));
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new SkippableClock();
const gate = useGate();
let deployment: Deployment;
let client: ConvexHttpClient;
let watcher: ConvexClient;

beforeAll(async () => {
  deployment = await startDeployment({ clock });
  await deployDirectory(APP, deployment);
  client = new ConvexHttpClient(deployment.url, { logger: false });
  watcher = new ConvexClient(deployment.url, { logger: false });
});
afterAll(async () => {
  await watcher.close();
  await deployment.close();
});

/** The diary's entries about something, once there are that many. */
async function entries(about: string, count: number): Promise<any[]> {
  const all = watch<any[]>(watcher, api.diary.read, { about });
  await all.until(({ latest }) => (latest?.length ?? 0) >= count);
  all.stop();
  return all.latest!;
}

/** Resolves once a query gives this. */
async function becomes(query: any, args: any, value: unknown): Promise<void> {
  const seen = watch(watcher, query, args);
  await seen.until(({ latest }) => latest === value);
  seen.stop();
}

describe("Published components", () => {
  const WORKPOOL = npm("@convex-dev/workpool README.md");

  conforms(
    "workpool runs actions and reports each outcome once",
    WORKPOOL,
    async () => {
      await client.mutation(api.pool.squareLater, {
        about: "squares",
        count: 10,
      });
      const outcomes = (await entries("squares", 10)).sort((a, b) => a.n - b.n);
      expect(outcomes.map(({ n }) => n)).toEqual([...Array(10).keys()]);
      expect(outcomes[3]).toMatchObject({ kind: "success", returnValue: 9 });
      expect(outcomes[4]).toMatchObject({
        kind: "failed",
        error: expect.stringContaining("4 does not like to be squared"),
      });
    },
  );

  conforms(
    "workpool runs no more than its parallelism allows",
    WORKPOOL,
    async () => {
      const names = ["p0", "p1", "p2", "p3"];
      const ids: string[] = await client.mutation(api.pool.waitLater, {
        about: "parallel",
        urls: names.map((name) => gate.url(name)),
      });
      await Promise.all(["p0", "p1", "p2"].map((name) => gate.arrived(name)));
      expect(await client.query(api.pool.status, { id: ids[3] })).toBe(
        "pending",
      );
      gate.open("p0");
      await gate.arrived("p3");
      for (const name of ["p1", "p2", "p3"]) gate.open(name);
      expect(await entries("parallel", 4)).toHaveLength(4);
    },
  );

  conforms("workpool retries with backoff", WORKPOOL, async () => {
    await client.mutation(api.pool.retried, {
      about: "reluctant",
      failures: 2,
    });
    await entries("reluctant", 1);
    const outcome = watch<any[]>(watcher, api.diary.read, {
      about: "reluctant outcome",
    });
    // A minute, then two: nothing of it is waited for.
    for (let tries = 2; tries <= 3; tries++) {
      await skipUntil(
        async () =>
          (await client.query(api.diary.read, { about: "reluctant" })).length >=
          tries,
      );
    }
    await outcome.until(({ latest }) => latest?.length === 1);
    expect(outcome.latest).toMatchObject([
      { kind: "success", returnValue: "at last" },
    ]);
    outcome.stop();
    expect(
      await client.query(api.diary.read, { about: "reluctant" }),
    ).toHaveLength(3);
  });

  conforms("workpool cancels what is pending", WORKPOOL, async () => {
    const names = ["c0", "c1", "c2", "c3"];
    const ids: string[] = await client.mutation(api.pool.waitLater, {
      about: "canceled",
      urls: names.map((name) => gate.url(name)),
    });
    await Promise.all(["c0", "c1", "c2"].map((name) => gate.arrived(name)));
    await client.mutation(api.pool.cancel, { id: ids[3] });
    const [canceled] = await entries("canceled", 1);
    expect(canceled).toMatchObject({ n: 3, kind: "canceled" });
    for (const name of ["c0", "c1", "c2"]) gate.open(name);
    expect(await entries("canceled", 4)).toHaveLength(4);
  });

  conforms("workpool runs mutations, each exactly once", WORKPOOL, async () => {
    const all = Array.from({ length: 20 }, (_, i) => `entry ${i}`);
    await client.mutation(api.pool.writeLater, {
      about: "written",
      entries: all,
    });
    expect((await entries("written", 20)).sort()).toEqual(all.sort());
  });

  const WORKFLOW = npm("@convex-dev/workflow README.md");
  const begin = (name: string, about: string): Promise<string> =>
    client.mutation(api.flows.begin, { name, about });

  conforms(
    "workflow runs its steps, some side by side, and reports its result once",
    WORKFLOW,
    async () => {
      const id = await begin("steps", "steps");
      const outcomes = await entries("steps outcome", 1);
      expect(outcomes).toMatchObject([
        { kind: "success", returnValue: "asked about steps, acted" },
      ]);
      expect((await entries("steps", 2)).sort()).toEqual(["left", "right"]);
      await becomes(api.flows.status, { id }, "completed");
    },
  );

  conforms("workflow sleeps for days without running", WORKFLOW, async () => {
    const id = await begin("sleepy", "sleepy");
    expect(await entries("sleepy", 1)).toEqual(["before"]);
    await skipUntil(
      async () =>
        (await client.query(api.diary.read, { about: "sleepy" })).length === 2,
      DAY,
    );
    expect(await entries("sleepy", 2)).toEqual(["before", "after"]);
    await becomes(api.flows.status, { id }, "completed");
  });

  conforms(
    "workflow draws the same random numbers and times at every replay",
    npm("@convex-dev/workflow src/client/environment.ts"),
    async () => {
      await begin("drawing", "drawing");
      await entries("drawing", 1);
      await skipUntil(
        async () =>
          (await client.query(api.diary.read, { about: "drawing" })).length ===
          2,
      );
      const [outcome] = await entries("drawing outcome", 1);
      const [first, second] = await entries("drawing", 2);
      expect(outcome).toEqual({
        kind: "success",
        returnValue: [first, second, "undefined", "undefined"],
      });
      expect(second.random).not.toBe(first.random);
      expect(second.now - first.now).toBeGreaterThanOrEqual(HOUR);
      expect(first.date).toBe(first.now);
    },
  );

  conforms(
    "workflow waits for an event and gets its value",
    WORKFLOW,
    async () => {
      const id = await begin("waiting", "waiting");
      await client.mutation(api.flows.go, { id, value: { with: "this" } });
      expect(await entries("waiting", 1)).toEqual([{ with: "this" }]);
    },
  );

  conforms("workflow can catch that a step fails", WORKFLOW, async () => {
    await begin("forgiving", "forgiving");
    const [message] = await entries("forgiving", 1);
    expect(message).toContain("this step does not work");
    expect(await entries("forgiving outcome", 1)).toMatchObject([
      { kind: "success" },
    ]);
  });

  conforms(
    "workflow fails with a step whose error nobody catches",
    WORKFLOW,
    async () => {
      await begin("failing", "failing");
      expect(await entries("failing outcome", 1)).toMatchObject([
        {
          kind: "failed",
          error: expect.stringContaining("this step does not work"),
        },
      ]);
    },
  );

  conforms("workflow can be canceled", WORKFLOW, async () => {
    const id = await begin("waiting", "given up");
    await client.mutation(api.flows.cancel, { id });
    expect(await entries("given up outcome", 1)).toMatchObject([
      { kind: "canceled" },
    ]);
    await becomes(api.flows.status, { id }, "canceled");
  });

  const LIMITER = npm("@convex-dev/rate-limiter README.md");
  const limit = (which: string, key: string, times = 1): Promise<boolean[]> =>
    client.mutation(api.rates.limit, { which, key, times });

  conforms(
    "rate-limiter grants a window's rate, again in the next window, per key",
    LIMITER,
    async () => {
      expect(await limit("window", "me", 3)).toEqual([true, true, false]);
      expect(await limit("window", "you")).toEqual([true]);
      await clock.skip(HOUR);
      expect(await limit("window", "me", 3)).toEqual([true, true, false]);
    },
  );

  conforms(
    "rate-limiter refills a bucket as time passes",
    LIMITER,
    async () => {
      expect(await limit("bucket", "me", 4)).toEqual([true, true, true, false]);
      await clock.skip(MINUTE / 10);
      expect((await limit("bucket", "me", 2))[0]).toBe(true);
      await clock.skip(HOUR);
      expect(await limit("bucket", "me", 4)).toEqual([true, true, true, false]);
    },
  );

  conforms(
    "rate-limiter throws an error with data when asked to",
    LIMITER,
    async () => {
      await limit("window", "thrower", 2);
      await expect(
        client.mutation(api.rates.throwing, { key: "thrower" }),
      ).rejects.toMatchObject({
        data: {
          kind: "RateLimited",
          name: "window",
          retryAfter: expect.any(Number),
        },
      });
    },
  );

  conforms(
    "rate-limiter counts nothing when the mutation fails",
    LIMITER,
    async () => {
      for (let i = 0; i < 3; i++) {
        await expect(
          client.mutation(api.rates.limitAndFail, { key: "failing" }),
        ).rejects.toThrow("changed my mind");
      }
      expect(await limit("window", "failing", 2)).toEqual([true, true]);
    },
  );

  conforms(
    "rate-limiter can be reset, and is shared by shards",
    LIMITER,
    async () => {
      await limit("window", "reset", 2);
      await client.mutation(api.rates.reset, { key: "reset" });
      expect(await limit("window", "reset", 1)).toEqual([true]);
      const granted = (await limit("sharded", "many", 120)).filter(Boolean);
      expect(granted.length).toBeLessThanOrEqual(100);
      expect(granted.length).toBeGreaterThan(50);
    },
  );

  const WORKER = npm("@convex-dev/batch-worker README.md");
  const add = (queue: string, values: number[]) =>
    client.mutation(api.batches.add, { queue, values }, { skipQueue: true });

  conforms(
    "batch-worker processes everything once, in batches and in order of commits",
    WORKER,
    async () => {
      const values = Array.from({ length: 35 }, (_, i) => i);
      await add("one go", values);
      expect(await entries("one go", 35)).toEqual(values);
      const sizes = await client.query(api.diary.read, {
        about: "one go sizes",
      });
      expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
    },
  );

  conforms(
    "batch-worker takes work from many producers at once, and starts again after it was idle",
    WORKER,
    async () => {
      await Promise.all(
        Array.from({ length: 10 }, (_, i) => add("crowd", [i, i + 100])),
      );
      const first = await entries("crowd", 20);
      expect(new Set(first).size).toBe(20);
      await clock.skip(HOUR);
      await add("crowd", [1_000]);
      expect((await entries("crowd", 21)).at(-1)).toBe(1_000);
    },
  );

  const CRONS = npm("@convex-dev/crons README.md");

  conforms(
    "crons runs at its interval, again and again, until it is deleted",
    CRONS,
    async () => {
      await client.mutation(api.recurring.register, {
        name: "hourly",
        schedule: { kind: "interval", ms: HOUR },
      });
      expect(await client.query(api.recurring.names, {})).toContain("hourly");
      for (let rung = 1; rung <= 3; rung++) {
        await clock.skip(HOUR);
        expect(await entries("hourly", rung)).toHaveLength(rung);
      }
      await client.mutation(api.recurring.stop, { name: "hourly" });
      // Another one rings: the hour has come, and nobody waits for nothing.
      await client.mutation(api.recurring.register, {
        name: "beside it",
        schedule: { kind: "interval", ms: 2 * HOUR },
      });
      await clock.skip(2 * HOUR);
      await entries("beside it", 1);
      expect(await client.query(api.recurring.names, {})).not.toContain(
        "hourly",
      );
      expect(
        await client.query(api.diary.read, { about: "hourly" }),
      ).toHaveLength(3);
    },
  );

  conforms("crons follows a crontab line", CRONS, async () => {
    await client.mutation(api.recurring.register, {
      name: "midnight",
      schedule: { kind: "cron", cronspec: "0 0 * * *" },
    });
    await clock.skip(DAY);
    expect(await entries("midnight", 1)).toEqual(["rang"]);
    await client.mutation(api.recurring.stop, { name: "midnight" });
  });

  conforms(
    "crons refuses a second one of the same name, and a line that is none",
    CRONS,
    async () => {
      const register = (name: string, schedule: object) =>
        client.mutation(api.recurring.register, { name, schedule });
      await register("twice", { kind: "interval", ms: HOUR });
      await expect(
        register("twice", { kind: "interval", ms: HOUR }),
      ).rejects.toThrow('Cron with name "twice" already exists');
      await expect(
        register("nonsense", { kind: "cron", cronspec: "nonsense" }),
      ).rejects.toThrow();
      expect(await client.query(api.recurring.names, {})).not.toContain(
        "nonsense",
      );
    },
  );
});

/** Lets time pass in large steps until something has come true. */
async function skipUntil(
  accepts: () => Promise<boolean>,
  step = MINUTE,
): Promise<void> {
  while (!(await accepts())) await clock.skip(step);
}
