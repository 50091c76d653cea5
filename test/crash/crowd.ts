/** Thousands of works in a deployment that is a process of its own: enqueued, waited for, counted. */
import { cp } from "node:fs/promises";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { expect } from "vitest";
import {
  startProcess,
  type RunningProcess,
} from "../../embedded/test/cli/process.js";
import { temporaryDirectory, until } from "./fixture.js";
import type { Row } from "./store.js";

const api = anyApi as any;

/** Of one batch: the enqueuing mutation has a second of CPU time. */
const AT_ONCE = 1_000;
interface Stats {
  calls: number;
  documentsRead: number;
}

/** Serves the directory while `body` runs, and ends in order. */
export async function during(
  dataDir: string,
  body: (process: RunningProcess, client: ConvexHttpClient) => Promise<void>,
): Promise<{ stats: Record<string, Stats> }> {
  const process = startProcess(["--data", dataDir, "--stats"]);
  try {
    const { url } = await process.ready;
    await body(process, new ConvexHttpClient(url, { logger: false }));
  } finally {
    process.kill("SIGTERM");
  }
  const { stdout, stderr, code } = await process.exit;
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

export async function copyOf(dir: string): Promise<string> {
  const copy = await temporaryDirectory();
  await cp(dir, copy, { recursive: true });
  return copy;
}

export async function enqueue(
  client: ConvexHttpClient,
  name: string,
  count: number,
  options: object = {},
): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const batch = {
      name,
      from,
      count: Math.min(AT_ONCE, count - from),
      options,
    };
    ids.push(...(await client.mutation(api.afterwards.enqueueMany, batch)));
  }
  return ids;
}

export async function tell(
  client: ConvexHttpClient,
  method: string,
  ...args: unknown[]
): Promise<unknown> {
  return await client.mutation(api.afterwards.tell, { method, args });
}

export const ask = (method: string, ...args: unknown[]) => ({ method, args });

export async function operationsAre(
  process: RunningProcess,
  wanted: (operations: { matched: number }[]) => boolean,
): Promise<void> {
  await until(process, api.afterwards.ask, wanted, ask("operations"));
}

/** The last of them first: who watches it is not told of all that end before. */
export async function allFinished(
  process: RunningProcess,
  ids: readonly string[],
): Promise<void> {
  const groups = [ids.slice(-1)];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    groups.push(ids.slice(from, from + AT_ONCE));
  }
  for (const group of groups) {
    await until<{ state: string }[]>(
      process,
      api.requests.statusBatch,
      (states) => states.every(({ state }) => state === "finished"),
      { ids: group },
    );
  }
}

export function countBy(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const row of rows) {
    const key = keyOf(row);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
