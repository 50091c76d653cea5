/**
 * `--url`: the same workloads on a deployment of the user's own, where times are
 * real. Nobody can look into it, so jobs say themselves when they ran: with the
 * deployment's clock, through an `onComplete` that records it.
 */
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { SeededRandomness, WallClock } from "../embedded/src/clock.js";
import type { Setting } from "./model.js";
import { percentiles, round, type Percentiles } from "./percentiles.js";
import type { Pool } from "./pools.js";
import { push } from "./push.js";
import type { Scenario } from "./scenarios/scenario.js";
import type { Job, Workload } from "./workload.js";

export interface Target {
  url: string;
  adminKey: string;
}

export interface RemoteResult {
  scenario: string;
  pool: Pool;
  jobs: number;
  parallelism: number;
  startLatencyMs: Percentiles | null;
  makespanMs: number;
  jobsPerSecond: number;
  slotUtilization: number | null;
  maxInFlight: number;
  problems: string[];
}

interface Timing {
  _id: string;
  _creationTime: number;
  id: number;
  enqueued: number;
  started: number;
  ended: number;
}

const POLL_MS = 1000;
const REREAD_MS = 3000;
/** Jobs that do not end for this long will not end. */
const PATIENCE_MS = 5 * 60_000;
/** Between two measurements, so that one does not pay for the last. */
const REST_MS = 15_000;
/** Browsers and servers alike do not like more at once. */
const MOST_CLIENTS = 16;

const clock = new WallClock();
const enqueue = makeFunctionReference<"mutation">("pools:enqueue");
const timings = makeFunctionReference<"query">("pools:timings");

/** Those that can be measured from outside: actions, and nothing but a workload. */
export function measurable(scenario: Scenario): boolean {
  if (scenario.workload === undefined) return false;
  const probe = scenario.workload(() => 1, new SeededRandomness(1));
  const slowly = probe.feed.kind === "arrivals" && probe.feed.slowly;
  return probe.job === "action" && !slowly;
}

export async function measureRemotely(
  target: Target,
  scenarios: Scenario[],
  pools: Pool[],
  setting: Setting,
  onResult: (result: RemoteResult) => void,
  restMs = REST_MS,
): Promise<RemoteResult[]> {
  await push(target);
  const results: RemoteResult[] = [];
  for (const scenario of scenarios.filter(measurable)) {
    for (const pool of pools) {
      if (results.length > 0) await clock.sleep(restMs);
      const result = await measure(target, scenario, pool, setting);
      results.push(result);
      onResult(result);
    }
  }
  return results;
}

async function measure(
  target: Target,
  scenario: Scenario,
  pool: Pool,
  setting: Setting,
): Promise<RemoteResult> {
  const client = new ConvexHttpClient(target.url);
  const load = scenario.workload!(
    (count) => Math.max(1, Math.round(count * setting.scale)),
    new SeededRandomness(setting.seed + 1),
  );
  const before = await lastTiming(client);
  const send = (jobs: Job[]) =>
    new ConvexHttpClient(target.url).mutation(enqueue, {
      pool,
      parallelism: scenario.parallelism,
      job: load.job,
      jobs,
      callback: "timed",
    });
  const [, found] = await Promise.all([
    feed(load, send),
    collect(client, before, load.jobs.length),
  ]);
  return resultOf(scenario, pool, load, found);
}

/** Until there are `count`, or none has come for a long time. */
async function collect(
  client: ConvexHttpClient,
  before: number,
  count: number,
): Promise<Timing[]> {
  const found = new Map<string, Timing>();
  let seen = before;
  let quietMs = 0;
  while (found.size < count && quietMs < PATIENCE_MS) {
    const page = (await client.query(timings, { after: seen })) as Timing[];
    for (const timing of page) found.set(timing._id, timing);
    if (page.length > 0) {
      seen = page.at(-1)!._creationTime;
      quietMs = 0;
      continue;
    }
    await clock.sleep(POLL_MS);
    quietMs += POLL_MS;
    // What committed late may lie before what was seen: creation is no order.
    if (quietMs % REREAD_MS === 0) seen = before;
  }
  return [...found.values()];
}

async function lastTiming(client: ConvexHttpClient): Promise<number> {
  let last = 0;
  for (;;) {
    const page = (await client.query(timings, { after: last })) as Timing[];
    if (page.length === 0) return last;
    last = page.at(-1)!._creationTime;
  }
}

async function feed(
  { jobs, feed }: Workload,
  send: (jobs: Job[]) => Promise<unknown>,
): Promise<void> {
  if (feed.kind === "arrivals") {
    const start = clock.now();
    const sent: Promise<unknown>[] = [];
    for (const [index, job] of jobs.entries()) {
      const wait = start + feed.times[index]! - clock.now();
      if (wait > 0) await clock.sleep(wait);
      sent.push(send([job]));
    }
    await Promise.all(sent);
    return;
  }
  let next = 0;
  const client = async () => {
    while (next < jobs.length) {
      const from = next;
      next += feed.size;
      await send(jobs.slice(from, next));
    }
  };
  const clients = Math.min(feed.clients, MOST_CLIENTS);
  await Promise.all(Array.from({ length: clients }, client));
}

/** Pure: what the jobs' own times say. */
export function resultOf(
  scenario: Pick<Scenario, "name" | "parallelism" | "deepQueue">,
  pool: Pool,
  load: Workload,
  found: Pick<Timing, "id" | "enqueued" | "started" | "ended">[],
): RemoteResult {
  const { parallelism } = scenario;
  const problems: string[] = [];
  const ids = new Set(found.map(({ id }) => id));
  if (ids.size !== load.jobs.length || found.length !== load.jobs.length) {
    problems.push(
      `${found.length} jobs ended, ${ids.size} of ${load.jobs.length} at least once`,
    );
  }
  const first = Math.min(...found.map(({ enqueued }) => enqueued));
  const starts = found.map(({ started }) => started).sort((a, b) => a - b);
  const last = Math.max(...found.map(({ ended }) => ended));
  const maxInFlight = mostAtOnce(found);
  if (maxInFlight > parallelism) {
    problems.push(
      `${maxInFlight} handlers in flight where ${parallelism} are allowed`,
    );
  }
  const span = starts.at(-1)! - starts[0]!;
  const busy = found.reduce(
    (sum, { started, ended }) =>
      sum + Math.max(0, Math.min(ended, starts.at(-1)!) - started),
    0,
  );
  return {
    scenario: scenario.name,
    pool,
    jobs: found.length,
    parallelism,
    startLatencyMs: percentiles(
      found
        .map(({ enqueued, started }) => started - enqueued)
        .sort((a, b) => a - b),
    ),
    makespanMs: round(last - first),
    jobsPerSecond: round((found.length * 1000) / Math.max(1, last - first)),
    slotUtilization:
      scenario.deepQueue && maxInFlight <= parallelism && span > 0
        ? round(busy / (span * parallelism))
        : null,
    maxInFlight,
    problems,
  };
}

/** Ends count before starts of the same millisecond: clocks of functions are no finer. */
function mostAtOnce(found: { started: number; ended: number }[]): number {
  const changes = found
    .flatMap(({ started, ended }) => [
      { at: started, by: 1 },
      { at: Math.max(ended, started + 1), by: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.by - b.by);
  let now = 0;
  let most = 0;
  for (const { by } of changes) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}
