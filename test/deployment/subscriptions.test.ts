/** In real time, with the official client: what subscribers to a work are told. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { startDeployment, type Deployment } from "../../embedded/src/index.js";
import { watch } from "../../embedded/test/sync/events.js";
import type { Work } from "../../sim/app/convex/works.js";

const api = anyApi as any;
let dataDir: string;
let deployment: Deployment;
let http: ConvexHttpClient;
let client: ConvexClient;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), "workpool-test-"));
  await cp(inject("pushedApp"), dataDir, { recursive: true });
  deployment = await startDeployment({ dataDir });
  http = new ConvexHttpClient(deployment.url, { logger: false });
  client = new ConvexClient(deployment.url, { logger: false });
});

afterAll(async () => {
  await client.close();
  await deployment.close();
  await rm(dataDir, { recursive: true });
});

const setLimit = (maxParallelism: number | null) =>
  http.mutation(api.requests.setLimit, { maxParallelism });
const openGate = (key: string) => http.mutation(api.attempts.openGate, { key });
const atGate = (key: string): Work => ({
  fnType: "action",
  fn: "waitAtGate",
  args: { key },
  onComplete: null,
  statusTtl: 60_000,
});

/** Each state once, in the order in which they were seen. */
function course<T>(results: readonly T[], stateOf: (result: T) => string) {
  const states = results.map(stateOf);
  return states.filter((state, index) => state !== states[index - 1]);
}

beforeEach(() => setLimit(0));

test("a work's status goes from pending to running to finished", async () => {
  const [id] = await http.mutation(api.requests.enqueue, {
    works: [atGate("one")],
  });
  const status = watch<{ state: string; previousAttempts?: number }>(
    client,
    api.requests.status,
    { id },
  );
  const info = watch<any>(client, api.requests.get, { id });
  await status.until(({ latest }) => latest?.state === "pending");
  await info.until(({ latest }) => latest?.state === "pending");
  await setLimit(5);
  await status.until(({ latest }) => latest?.state === "running");
  await info.until(({ latest }) => latest?.state === "running");
  await openGate("one");
  await status.until(({ latest }) => latest?.state === "finished");
  await info.until(({ latest }) => latest?.state === "finished");

  expect(course(status.results, ({ state }) => state)).toEqual([
    "pending",
    "running",
    "finished",
  ]);
  expect(status.results[0]).toEqual({ state: "pending", previousAttempts: 0 });
  // Whether it is seen between its executor's start and its own is chance.
  const states = course(info.results, ({ state }) => state);
  expect(states.filter((state) => state !== "claimed")).toEqual([
    "pending",
    "running",
    "finished",
  ]);
  expect(info.latest).toMatchObject({
    workId: id,
    fnType: "action",
    attempts: 1,
    result: { kind: "success", returnValue: "passed" },
  });
});

test("statusBatch tells the states of many, each as it changes", async () => {
  const names = ["a", "b", "c"];
  const ids = await http.mutation(api.requests.enqueue, {
    works: names.map(atGate),
  });
  const statuses = watch<{ state: string }[]>(
    client,
    api.requests.statusBatch,
    { ids },
  );
  const states = (all: { state: string }[] | undefined) =>
    all?.map(({ state }) => state).join(" ");
  const reaches = (expected: string) =>
    statuses.until(({ latest }) => states(latest) === expected);
  await reaches("pending pending pending");
  await setLimit(2);
  await reaches("running running pending");
  await openGate("b");
  await reaches("running finished running");
  await openGate("a");
  await openGate("c");
  await reaches("finished finished finished");
});

test("a subscriber is told of a cancelation", async () => {
  const [id] = await http.mutation(api.requests.enqueue, {
    works: [atGate("canceled")],
  });
  const info = watch<any>(client, api.requests.get, { id });
  await info.until(({ latest }) => latest?.state === "pending");
  await http.mutation(api.requests.cancel, { id });
  await info.until(({ latest }) => latest?.state === "finished");
  expect(info.latest.result).toEqual({ kind: "canceled" });
});
