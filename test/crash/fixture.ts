/** Directories, processes and ports that end with the test that asked for them. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { once } from "node:events";
import { ConvexClient } from "convex/browser";
import type { FunctionReference } from "convex/server";
import { inject, onTestFinished } from "vitest";
import {
  startProcess,
  type RunningProcess,
} from "../../embedded/test/cli/process.js";
import { watch } from "../../embedded/test/sync/events.js";

export async function temporaryDirectory(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), "workpool-crash-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  return dir;
}

/** A data directory with the app. */
export async function freshData(): Promise<string> {
  const dir = await temporaryDirectory();
  await cp(inject("pushedApp"), dir, { recursive: true });
  return dir;
}

/** The deployment as a process of its own. */
export function serve(dataDir: string, ...options: string[]): RunningProcess {
  const process = startProcess(["--data", dataDir, ...options]);
  onTestFinished(async () => {
    process.kill("SIGKILL");
    await process.exit;
  });
  return process;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Resolves when a query of the app has a result that `accepts`. */
export async function until<T>(
  process: RunningProcess,
  query: FunctionReference<"query">,
  accepts: (result: T) => boolean,
  args: Record<string, unknown> = {},
): Promise<void> {
  const { url } = await process.ready;
  const client = new ConvexClient(url, { logger: false });
  onTestFinished(() => client.close());
  const watched = watch<T>(client, query, args);
  await watched.until(({ latest }) => latest !== undefined && accepts(latest));
  await client.close();
}
