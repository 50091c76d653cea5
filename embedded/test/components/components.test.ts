import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startDeployment, type Deployment } from "../../src/index.js";
import { appDirectory, convex, deployApp } from "../cli/convex.js";
import { watch } from "../sync/events.js";

// Bundling and processes take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const api = anyApi as any;
let deployment: Deployment;
let client: ConvexHttpClient;

async function cli(...args: string[]): Promise<string> {
  const result = await convex(appDirectory("components"), args, deployment);
  if (result.code !== 0) throw new Error(result.stderr);
  return result.stdout;
}

beforeAll(async () => {
  deployment = await startDeployment();
  await cli("env", "set", "STEP", "1");
  await cli("env", "set", "SECRET", "the app's own");
  await deployApp("components", deployment);
  client = new ConvexHttpClient(deployment.url, { logger: false });
}, 60_000);

afterAll(() => deployment.close());

describe("components of one's own", () => {
  test("mounted twice have tables and variables of their own", async () => {
    const increment = (which: string) =>
      client.mutation(api.counts.increment, { which, name: "visits" });
    expect(await increment("ones")).toBe(1);
    expect(await increment("ones")).toBe(2);
    expect(await increment("tens")).toBe(10);
    expect(
      await client.query(api.counts.get, { which: "ones", name: "visits" }),
    ).toBe(2);
  });

  test("see the variables bound to them and nothing else", async () => {
    expect(
      await client.query(api.counts.environment, { which: "ones" }),
    ).toEqual({ STEP: "1", SECRET: null, hasSiteUrl: true });
  });

  test("see a variable's new value, as do those who watch", async () => {
    const watcher = new ConvexClient(deployment.url, { logger: false });
    const environment = watch<{ STEP: string }>(
      watcher,
      api.counts.environment,
      { which: "ones" },
    );
    await environment.until(({ latest }) => latest?.STEP === "1");
    await cli("env", "set", "STEP", "100");
    await environment.until(({ latest }) => latest?.STEP === "100");
    await cli("env", "set", "STEP", "1");
    await environment.until(({ latest }) => latest?.STEP === "1");
    await watcher.close();
  }, 30_000);

  test("write in the transaction of whoever calls them", async () => {
    await expect(
      client.mutation(api.counts.incrementAndFail, { name: "atomic" }),
    ).rejects.toThrow("all or nothing");
    for (const which of ["ones", "tens"]) {
      expect(
        await client.query(api.counts.get, { which, name: "atomic" }),
      ).toBeNull();
    }
  });

  test("tell those who watch the app when they change", async () => {
    const watcher = new ConvexClient(deployment.url, { logger: false });
    const value = watch<number | null>(watcher, api.counts.get, {
      which: "tens",
      name: "watched",
    });
    await value.until(({ results }) => results.length === 1);
    await client.mutation(api.counts.increment, {
      which: "tens",
      name: "watched",
    });
    await value.until(({ latest }) => latest === 10);
    await watcher.close();
  });

  test("do not show their internal functions to the app", async () => {
    await expect(client.query(api.counts.hidden, {})).rejects.toThrow(
      'does not export ["counts", "hidden"]',
    );
  });

  test("have components of their own, which admins reach by their path", async () => {
    await client.mutation(api.counts.increment, {
      which: "ones",
      name: "nested",
    });
    const lines = await cli("run", "lines:all", "--component", "ones/journal");
    expect(JSON.parse(lines)).toContain("nested + 1");
    const others = await cli("run", "lines:all", "--component", "tens/journal");
    expect(JSON.parse(others)).not.toContain("nested + 1");
  }, 30_000);

  test("serve their routes under the prefix they were mounted with", async () => {
    await client.mutation(api.counts.increment, {
      which: "ones",
      name: "http",
    });
    const found = await fetch(`${deployment.siteUrl}/ones/value?name=http`);
    expect(await found.json()).toEqual({ value: 1 });
    expect((await fetch(`${deployment.siteUrl}/value`)).status).toBe(404);
    expect((await fetch(`${deployment.siteUrl}/tens/value`)).status).toBe(404);
  });
});

describe("published components", () => {
  test("@convex-dev/rate-limiter limits", async () => {
    const attempt = () => client.mutation(api.limits.attempt, { key: "me" });
    expect([await attempt(), await attempt(), await attempt()]).toEqual([
      true,
      true,
      false,
    ]);
    await client.mutation(api.limits.reset, { key: "me" });
    expect(await attempt()).toBe(true);
  });

  test("@convex-dev/workpool runs actions and reports each outcome once", async () => {
    const watcher = new ConvexClient(deployment.url, { logger: false });
    const outcomes = watch<{ job: number; kind: string; value: unknown }[]>(
      watcher,
      api.jobs.outcomes,
      {},
    );
    await client.mutation(api.jobs.enqueue, { count: 10 });
    await outcomes.until(({ latest }) => (latest?.length ?? 0) >= 10);
    await watcher.close();

    const sorted = [...outcomes.latest!].sort((a, b) => a.job - b.job);
    expect(sorted.map(({ job }) => job)).toEqual([...Array(10).keys()]);
    expect(sorted.map(({ kind }) => kind)).toEqual(
      sorted.map(({ job }) => (job % 5 === 4 ? "failed" : "success")),
    );
    expect(sorted[3]).toMatchObject({ value: 9 });
    expect(sorted[4]!.value).toContain("job 4 does not like to work");
  }, 60_000);
});
