import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { watch } from "../sync/events.js";
import { deployApp } from "./convex.js";
import { startProcess, type RunningProcess } from "./process.js";

// Bundling and processes take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const api = anyApi as any;
let root: string;
const processes: RunningProcess[] = [];

function start(...args: string[]): RunningProcess {
  const started = startProcess(args);
  processes.push(started);
  return started;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "embedded-"));
});

afterEach(async () => {
  for (const each of processes) each.kill("SIGKILL");
  await Promise.all(processes.splice(0).map((each) => each.exit));
});

afterAll(() => rm(root, { recursive: true }));

test("prints one line of JSON when it is ready, and stops cleanly when told", async () => {
  const deployment = start();
  const { url, siteUrl, adminKey } = await deployment.ready;
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(siteUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(siteUrl).not.toBe(url);
  expect(adminKey).toMatch(/^embedded\|[0-9a-f]{64}$/);

  deployment.kill("SIGTERM");
  const { code, stdout, stderr } = await deployment.exit;
  expect(code).toBe(0);
  expect(stdout.trim().split("\n")).toHaveLength(1);
  expect(stderr).toBe("");
});

test("refuses options it does not know, by name, and values that cannot be", async () => {
  const unknown = await start("--prot", "3210").exit;
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain("'--prot'");
  expect(unknown.stdout).toBe("");

  const port = await start("--port", "70000").exit;
  expect(port.code).toBe(1);
  expect(port.stderr).toContain(
    '--port must be an integer from 0 to 65535, not "70000".',
  );

  const deploymentClass = await start("--class", "S32").exit;
  expect(deploymentClass.stderr).toContain(
    '--class must be one of S16, S256, D1024, not "S32".',
  );
});

test("goes on after a restart with the same code, data, key and schedule", async () => {
  const dir = join(root, "restart");
  const first = start("--data", dir, "--stats");
  const before = await first.ready;
  await deployApp("basic", before);
  const client = new ConvexHttpClient(before.url, { logger: false });
  await client.mutation(api.messages.send, { channel: "a", body: "kept" });
  await client.mutation(api.messages.sendLater, {
    channel: "a",
    body: "scheduled before the restart",
    delayMs: 3_000,
  });

  first.kill("SIGINT");
  const { code, stdout } = await first.exit;
  expect(code).toBe(0);
  const { stats } = JSON.parse(stdout.trim().split("\n")[1]!);
  expect(stats["|messages:send"]).toMatchObject({
    calls: 1,
    documentsWritten: 1,
  });

  const second = start("--data", dir);
  const after = await second.ready;
  expect(after.adminKey).toBe(before.adminKey);
  const again = new ConvexClient(after.url, { logger: false });
  const list = watch<string[]>(again, api.messages.list, { channel: "a" });
  await list.until(({ latest }) => latest?.length === 2);
  expect(list.latest).toEqual(["kept", "scheduled before the restart"]);
  await again.close();
}, 60_000);

test("keeps everything that was answered when it is killed", async () => {
  const dir = join(root, "killed");
  const first = start("--data", dir);
  const before = await first.ready;
  await deployApp("basic", before);
  const client = new ConvexHttpClient(before.url, { logger: false });
  for (let i = 0; i < 20; i++) {
    await client.mutation(api.messages.send, { channel: "b", body: `${i}` });
  }
  first.kill("SIGKILL");
  await first.exit;

  const { url } = await start("--data", dir).ready;
  const messages = await new ConvexHttpClient(url).query(api.messages.list, {
    channel: "b",
  });
  expect(messages).toHaveLength(20);
}, 60_000);

test("keeps its directory to itself, and the admin key to its owner", async () => {
  const dir = join(root, "locked");
  const { adminKey } = await start("--data", dir).ready;
  const path = join(dir, "admin-key");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await readFile(path, "utf8")).trim()).toBe(adminKey);

  const second = await start("--data", dir).exit;
  expect(second.code).toBe(1);
  expect(second.stdout).toBe("");
  expect(second.stderr).toContain(dir);
});

test("says so when the port is taken", async () => {
  const { url } = await start().ready;
  const { port } = new URL(url);
  const second = await start("--port", port).exit;
  expect(second.code).toBe(1);
  expect(second.stderr).toContain("EADDRINUSE");
});
