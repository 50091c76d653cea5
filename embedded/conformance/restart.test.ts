/** What a restart of the deployment changes: nothing that was acknowledged. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { startDeployment, type Deployment } from "../src/index.js";
import { watch } from "../test/sync/events.js";
import { insert } from "./app/shared/steps.js";
import { backend, conforms, docs, npm } from "./harness/case.js";
import { api, pushedData } from "./harness/deployment.js";
import { useGate } from "./harness/gate.js";
import { SkippableClock } from "./harness/skippableClock.js";
import { decodeTs, Socket } from "./harness/socket.js";

const DAY = 86_400_000;
const clock = new SkippableClock();
const gate = useGate();
const SCHEDULING = docs("scheduling/scheduled-functions");

let dataDir: string;
let deployment: Deployment;
const client = () => new ConvexHttpClient(deployment.url, { logger: false });

/** On the same port, so that clients find it again. */
async function restart(): Promise<void> {
  const { port } = new URL(deployment.url);
  await deployment.close();
  deployment = await startDeployment({ dataDir, clock, port: Number(port) });
}

beforeAll(async () => {
  dataDir = await pushedData();
  deployment = await startDeployment({ dataDir, clock });
});
afterAll(async () => {
  await deployment.close();
  await rm(dataDir, { recursive: true });
});

const schedule = (name: string, args: object, delayMs = 0): Promise<string> =>
  client().mutation(api.jobs.schedule, { name, args, delayMs });
/** The state in which the job ended. */
async function ended(id: string): Promise<{ kind: string; error?: string }> {
  const watcher = new ConvexClient(deployment.url, { logger: false });
  const job = watch<any>(watcher, api.jobs.job, { id });
  await job.until(({ latest }) =>
    ["success", "failed"].includes(latest?.state.kind),
  );
  await watcher.close();
  return job.latest.state;
}
const jobOf = (id: string): Promise<any> =>
  client().query(api.jobs.job, { id });

describe("Restarts", () => {
  conforms(
    "a function that was pending runs at its time",
    SCHEDULING,
    async () => {
      const args = { text: "after the restart" };
      const id = await schedule("note", args, DAY);
      await restart();
      expect((await jobOf(id)).state.kind).toBe("pending");
      await clock.skip(DAY);
      expect(await ended(id)).toEqual({ kind: "success" });
      const about = args.text;
      expect(await client().query(api.jobs.notes, { about })).toEqual([about]);
    },
  );

  conforms(
    "an action that was running is failed, and never run again",
    backend("crates/application/src/scheduled_jobs/mod.rs"),
    async () => {
      const id = await schedule("wait", {
        url: gate.url("interrupted"),
        text: "interrupted",
      });
      await gate.arrived("interrupted");
      await restart();
      expect(await ended(id)).toEqual({
        kind: "failed",
        error: "Transient error while executing action",
      });
    },
  );

  conforms(
    "a mutation that was acknowledged and is sent again is answered, not run again",
    npm("convex src/browser/sync/client.ts"),
    async () => {
      const sessionId = randomUUID();
      const args = { name: "across a restart" };
      const before = await Socket.connect(deployment.url, { sessionId });
      before.mutate(0, "transactions:increment", args);
      const answer = await before.response(0);
      await restart();
      const after = await Socket.connect(deployment.url, { sessionId });
      after.mutate(0, "transactions:increment", args);
      expect(await after.response(0)).toMatchObject({
        result: 1,
        ts: answer.ts,
      });
      after.close();
    },
  );

  conforms(
    "timestamps go on, so that a client may come back with what it has observed",
    backend("crates/sync/src/worker.rs"),
    async () => {
      const before = await Socket.connect(deployment.url);
      before.mutate(0, "script:run", { steps: [insert("anything", {})] });
      const { ts } = await before.response(0);
      await restart();
      const after = await Socket.connect(deployment.url, {
        maxObservedTimestamp: ts,
      });
      after.mutate(0, "script:run", { steps: [insert("anything", {})] });
      const later = await after.response(0);
      expect(decodeTs(later.ts)).toBeGreaterThan(decodeTs(ts));
      after.close();
    },
  );

  conforms(
    "a client that watches comes back by itself and goes on",
    docs("realtime"),
    async () => {
      const watcher = new ConvexClient(deployment.url, { logger: false });
      const notes = watch<string[]>(watcher, api.jobs.notes, {
        about: "watched",
      });
      await notes.until(({ latest }) => latest?.length === 0);
      await restart();
      await client().mutation(api.script.run, {
        steps: [insert("jobNotes", { text: "watched" })],
      });
      await notes.until(({ latest }) => latest?.length === 1);
      await watcher.close();
    },
  );
});
