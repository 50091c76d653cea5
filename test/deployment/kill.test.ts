/** The deployment as a process of its own, killed without warning in the middle of work. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { expect, inject, onTestFinished, test } from "vitest";
import {
  startProcess,
  type RunningProcess,
} from "../../embedded/test/cli/process.js";
import { watch } from "../../embedded/test/sync/events.js";
import type { Work } from "../../sim/app/convex/works.js";
import { all } from "./invariants.js";
import { act, keys, mutate } from "../../sim/works.js";

const api = anyApi as any;

async function start(dataDir: string): Promise<{
  process: RunningProcess;
  url: string;
}> {
  const process = startProcess(["--data", dataDir]);
  onTestFinished(async () => {
    process.kill("SIGKILL");
    await process.exit;
  });
  return { process, url: (await process.ready).url };
}

test("SIGKILL in the middle of work: after a restart everything ends, mutations exactly once", async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), "workpool-test-"));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  await cp(inject("pushedApp"), dataDir, { recursive: true });

  const first = await start(dataDir);
  const gates: Work[] = keys(3, "gate").map((key) => ({
    fnType: "action",
    fn: "waitAtGate",
    args: { key },
    retry: { maxAttempts: 2, initialBackoffMs: 10, base: 2 },
  }));
  const mutations = keys(60, "m").map((key) => mutate(key));
  const actions = keys(20, "a").map((key) => act(key, {}, { retry: true }));
  const http = new ConvexHttpClient(first.url, { logger: false });
  await http.mutation(api.requests.enqueue, {
    works: [...gates, ...mutations, ...actions],
  });
  const before = new ConvexClient(first.url, { logger: false });
  const some = watch<Progress>(before, api.requests.progress, {});
  // Three wait at their gates, many others are in all the states there are.
  await some.until(({ latest }) => (latest?.outcomes.length ?? 0) >= 10);
  first.process.kill("SIGKILL");
  await first.process.exit;
  await before.close();

  const second = await start(dataDir);
  const again = new ConvexHttpClient(second.url, { logger: false });
  for (const key of keys(3, "gate")) {
    await again.mutation(api.attempts.openGate, { key });
  }
  const after = new ConvexClient(second.url, { logger: false });
  onTestFinished(() => after.close());
  const progress = watch<Progress>(after, api.requests.progress, {});
  await progress.until(({ latest }) => latest?.outcomes.length === 83);
  const { outcomes, effects } = progress.latest!;
  const names = [...keys(3, "gate"), ...keys(60, "m"), ...keys(20, "a")];
  expect(Object.fromEntries(outcomes)).toEqual(all(names, "success"));
  expect(effects.sort()).toEqual(keys(60, "m").sort());
});

interface Progress {
  /** Key and kind of each. */
  outcomes: [string, string][];
  effects: string[];
}
