/** 100,000 works of which 10,000 have failed: lists of them read little, and all that failed is tried again. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, expect, inject, onTestFinished, test } from "vitest";
import { startDeployment } from "../../embedded/src/index.js";
import { expectAtRest } from "./audit.js";
import {
  allFinished,
  ask,
  copyOf,
  countBy,
  during,
  enqueue,
  operationsAre,
  tell,
} from "./crowd.js";
import { freePort, serve } from "./fixture.js";
import { Moments } from "./moments.js";
import { openStore, type Store } from "./store.js";

const api = anyApi as any;
const POOL = "workpool";

/** They have thrown, and each round of theirs has a callback. */
const THROWN = 500;
/** They had not begun in time: so they failed without having run. */
const EXPIRED = 9_500;
const FAILED = THROWN + EXPIRED;
const WAITING = 300;
const RARE = 3;
const SCHEDULED = 100_000 - FAILED - WAITING - RARE;

/** Documents that a page reads at most. */
const MAX_READ = 120;
/** Pages of one list that are looked at. */
const PAGES = 4;
/** Calls for each work that is tried again, beyond running it. */
const MAX_CALLS = 0.1;

/** CRASH_KILLS=50 takes some minutes. */
const KILLS = Number(process.env.CRASH_KILLS ?? 12);
/** Between the moment a process serves and its kill, at most. */
const MOST_LIFE_MS = 2_000;

const dirs = { failed: "", crowded: "" };
/** Everything that failed was enqueued before, and all else later. */
let failedBefore: number;
/** Of those that failed, in the order in which they did. */
const failedIds: string[] = [];

afterAll(async () => {
  for (const dir of Object.values(dirs).filter(Boolean)) {
    await rm(dir, { recursive: true });
  }
});

test("100,000 works are enqueued, of which 10,000 fail", async () => {
  for (const name of ["failed", "crowded"] as const) {
    dirs[name] = await mkdtemp(path.join(tmpdir(), `workpool-crash-${name}-`));
  }
  await cp(inject("pushedApp"), dirs.failed, { recursive: true });
  await during(dirs.failed, async (process, client) => {
    const limit = (maxParallelism: number) =>
      client.mutation(api.requests.setLimit, { maxParallelism });
    await limit(0);
    const thrown = await enqueue(client, "flawed", THROWN);
    await limit(100);
    await allFinished(process, thrown);
    await limit(0);
    const expired = await enqueue(client, "late", EXPIRED, { expireAfter: 1 });
    await allFinished(process, expired);
    failedIds.push(...thrown, ...expired);
  });
  failedBefore = Date.now();
  const store = await openStore(dirs.failed);
  const endings = countBy(store.rows("complete", POOL), ({ result, reason }) =>
    [result.kind, reason].join(),
  );
  expect(endings).toEqual({ "failed,": THROWN, "failed,expired": EXPIRED });
  await store.close();
  await cp(dirs.failed, dirs.crowded, { recursive: true });
  await during(dirs.crowded, async (_, client) => {
    await enqueue(client, "fine", WAITING);
    const later = { runAfter: 24 * 60 * 60_000 };
    await enqueue(client, "fine", Math.floor(SCHEDULED / 2), later);
    await enqueue(client, "rare", RARE, { ...later, tags: ["rare"] });
    await enqueue(client, "fine", Math.ceil(SCHEDULED / 2), later);
  });
});

test("a page of any list reads 120 documents at most, whatever it finds", async () => {
  // In this process, whose counters tell of each call. The pool is paused.
  const dataDir = await copyOf(dirs.crowded);
  const deployment = await startDeployment({ dataDir });
  onTestFinished(() => deployment.close());
  const client = new ConvexHttpClient(deployment.url, { logger: false });
  const flawed = "afterwards:flawed";
  const rare = "afterwards:rare";
  const nobody = "afterwards:nobody";
  const early = failedBefore;
  const filters = [
    ...[{}, { fnName: flawed }, { fnName: rare }, { fnName: nobody }],
    ...["scheduled", "waiting", "retrying", "suspended"],
    ...["claimed", "running", "success", "failed", "canceled"],
  ].flatMap((filter) =>
    typeof filter === "object"
      ? [filter]
      : [undefined, flawed, rare, nobody].map((fnName) => ({
          state: filter,
          ...(fnName && { fnName }),
        })),
  );
  const callbacks = ["owed", "failed"].map((callback) => ({ callback }));
  const times = [{ before: early }, { after: early }, { before: 0 }];
  let most = 0;
  const found: Record<string, number> = {};
  for (const filter of [
    ...filters,
    ...callbacks,
    ...times.flatMap((time) => [
      time,
      { ...time, state: "failed" },
      { ...time, state: "waiting", fnName: rare },
    ]),
  ]) {
    let cursor: string | null = null;
    for (let page = 0; page < PAGES; page++) {
      deployment.resetStats();
      const paginationOpts = { numItems: 50, cursor };
      const answer: any = await client.query(api.afterwards.ask, {
        method: "list",
        args: [{ ...filter, paginationOpts }],
      });
      const { documentsRead } = deployment.stats()["|afterwards:ask"]!;
      expect(documentsRead, JSON.stringify(filter)).toBeLessThanOrEqual(
        MAX_READ,
      );
      most = Math.max(most, documentsRead);
      const name = JSON.stringify(filter);
      found[name] = (found[name] ?? 0) + answer.page.length;
      cursor = answer.continueCursor;
      if (answer.isDone) break;
    }
  }
  expect(found).toMatchObject({
    "{}": 50 * PAGES,
    '{"state":"failed"}': 50 * PAGES,
    [`{"state":"failed","fnName":"${flawed}"}`]: 50 * PAGES,
    [`{"state":"failed","fnName":"${rare}"}`]: 0,
    '{"state":"scheduled"}': 50 * PAGES,
  });
  // Else nothing was measured.
  expect(most).toBeGreaterThan(50);
});

test("10,000 failed works are tried again in few calls", async () => {
  const dataDir = await copyOf(dirs.crowded);
  const { stats } = await during(dataDir, async (process, client) => {
    expect(await tell(client, "retry", { filter: {} })).toEqual({
      matched: 100,
      skipped: 0,
      isDone: false,
    });
    await operationsAre(process, ({ length }) => length === 0);
  });
  // The pool is paused: nothing of this is for running them.
  const calls = Object.entries(stats)
    .filter(([name]) => name.startsWith(`${POOL}|`))
    .reduce((sum, [, each]) => sum + each.calls, 0);
  expect(calls).toBeLessThanOrEqual(MAX_CALLS * FAILED);
  expect(calls).toBeGreaterThanOrEqual(FAILED / 100 - 1);
  const store = await openStore(dataDir);
  const again = store.rows("work", POOL).filter(({ round }) => round === 1);
  expect(again).toHaveLength(FAILED);
  expect(again.filter(({ endedAt }) => endedAt !== undefined)).toEqual([]);
  expect(store.rows("complete", POOL)).toEqual([]);
});

test("a retry of 10,000 is stopped by cancelMany: no page begins from then on", async () => {
  const dataDir = await copyOf(dirs.crowded);
  let begun = 0;
  await during(dataDir, async (process, client) => {
    await tell(client, "retry", { filter: {} });
    await operationsAre(process, ([operation]) => operation!.matched >= 1_000);
    begun = await client.mutation(api.afterwards.stop, {
      before: failedBefore,
    });
    expect(await client.query(api.afterwards.ask, ask("operations"))).toEqual(
      [],
    );
  });
  expect(begun).toBeGreaterThanOrEqual(1_000);
  expect(begun).toBeLessThan(FAILED);
  const store = await openStore(dataDir);
  await store.settle();
  const kinds = countBy(
    store.rows("complete", POOL),
    (row) => `${row.result.kind}, round ${row.round ?? 0}`,
  );
  expect(kinds).toEqual({
    "failed, round 0": FAILED - begun,
    "canceled, round 1": begun,
  });
  const left = store.rows("work", POOL).filter(({ endedAt }) => !endedAt);
  expect(left).toHaveLength(100_000 - FAILED);
});

test(`${KILLS} kills while 10,000 works are tried again: each has one outcome of its second round`, async () => {
  const moments = Moments.announced("manyFailed");
  const dataDir = await copyOf(dirs.failed);
  const port = String(await freePort());
  const start = () => serve(dataDir, "--port", port);
  let running = start();
  const { url } = await running.ready;
  const client = new ConvexHttpClient(url, { logger: false });
  await client.mutation(api.requests.setLimit, { maxParallelism: 50 });
  expect(await client.mutation(api.afterwards.mendAndRetry, {})).toMatchObject({
    matched: 100,
    isDone: false,
  });
  for (let kill = 0; kill < KILLS; kill++) {
    await after(moments.scale(MOST_LIFE_MS));
    running.kill("SIGKILL");
    expect(await running.exit).toMatchObject({ signal: "SIGKILL", stderr: "" });
    running = start();
    // Now and then it is killed before it serves.
    if (moments.chance(0.9)) await running.ready;
  }
  await running.ready;
  await operationsAre(running, ({ length }) => length === 0);
  await allFinished(running, failedIds);
  running.kill("SIGTERM");
  expect(await running.exit).toMatchObject({ code: 0, stderr: "" });

  const store = await openStore(dataDir);
  await store.settle();
  expectSecondRoundOnce(store);
  expectAtRest(store);
});

function expectSecondRoundOnce(store: Store): void {
  const ends = store.rows("complete", POOL);
  expect(new Set(ends.map(({ workId }) => workId)).size).toBe(FAILED);
  expect(
    countBy(ends, ({ fnName, round, result, callback }) =>
      [fnName, round, result.kind, callback?.state ?? "done"].join(),
    ),
  ).toEqual({
    "afterwards:flawed,1,success,done": THROWN,
    "afterwards:late,1,success,done": EXPIRED,
  });
  const effects = countBy(store.rows("effects"), ({ key }) => key);
  expect(Object.keys(effects)).toHaveLength(THROWN);
  expect(new Set(Object.values(effects))).toEqual(new Set([1]));
  const told = countBy(
    store.rows("outcomes"),
    ({ key, kind }) => `${key}: ${kind}`,
  );
  expect(Object.keys(told)).toHaveLength(2 * THROWN);
  expect(new Set(Object.values(told))).toEqual(new Set([1]));
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
