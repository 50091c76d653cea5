/** What people do with works afterwards: look at lists of them, and try those again that have failed. */
import type { JSONObject } from "../../embedded/src/storage/types.js";
import type { EnqueueOptions, Run } from "../run.js";
import { difference, type Used } from "../used.js";
import { jobs, type Job } from "../workload.js";
import { batches, BATCH, OURS_ALONE } from "./beyond.js";
import type { Scenario } from "./scenario.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PAGE = 50;
/** Every kind of list that there is. */
const LISTS: Record<string, JSONObject> = {
  ...Object.fromEntries(
    [
      "claimed",
      "running",
      "waiting",
      "retrying",
      "scheduled",
      "suspended",
      "success",
      "failed",
      "canceled",
    ].map((state) => [state, { state }]),
  ),
  all: {},
  owed: { callback: "owed" },
  givenUp: { callback: "failed" },
  ofFunction: { fnName: "jobs:action" },
  failedOfFunction: { state: "failed", fnName: "jobs:action" },
  // Of no work there is: whoever asks has to look at others.
  waitingOfNone: { state: "waiting", fnName: "nobody:knows" },
};

/** 10,000 works in every state. Those that run and wait are the latest, and go on while lists are read. */
async function fill(run: Run): Promise<void> {
  const { meter } = run;
  let next = 0;
  const some = (count: number, more: Omit<Job, "id"> = {}) =>
    jobs(run.scaled(count), more).map((job) => ({ ...job, id: next++ }));
  const enqueue = (works: Job[], options: EnqueueOptions = {}) =>
    run.enqueueAll(works, BATCH, 1, options);
  const later = (works: Job[]) => works.map(() => DAY_MS);
  const kept = { statusTtl: DAY_MS };

  const canceled = some(500);
  await enqueue(canceled, { declared: kept, delays: later(canceled) });
  await run.cancelAll();
  await enqueue(some(500), { declared: kept });
  await enqueue(some(1000, { failures: 1 }));
  await enqueue(some(200), { callback: "broken" });
  // Until the callbacks are given up.
  await run.sleep(2 * HOUR_MS);

  await enqueue(some(200), { handler: "suspending" });
  await enqueue(some(200), { callback: "broken" });
  await enqueue(some(200, { failures: 1 }), { retry: true });
  // Until they wait long for the next attempt.
  await run.sleep(60_000);
  const scheduled = some(2000);
  await enqueue(scheduled, { delays: later(scheduled) });
  // One by one: each has an entry of its own in the queue, which a list has to read.
  await run.enqueueAll(some(5200, { ms: 400 }), 1, 50);
  const { ended } = meter;
  await meter.until(() => meter.ended > ended + run.parallelism);
}

/** Reads all of a list: how many pages it has, how many works they tell of, and the most documents that one took. */
async function readList(
  { world }: Run,
  options: JSONObject,
): Promise<{ pages: number; works: number; mostRead: number }> {
  const seen = { pages: 0, works: 0, mostRead: 0 };
  let cursor: string | null = null;
  for (;;) {
    const before = world.totals();
    const page = (await world.query("life:list", {
      options: { ...options, paginationOpts: { numItems: PAGE, cursor } },
    })) as { page: unknown[]; isDone: boolean; continueCursor: string };
    const { documentsRead } = listing(difference(world.totals(), before));
    seen.pages += 1;
    seen.works += page.page.length;
    seen.mostRead = Math.max(seen.mostRead, documentsRead);
    if (page.isDone) return seen;
    cursor = page.continueCursor;
  }
}

/** Without what the pool does meanwhile. */
function listing(used: Used): Used {
  return {
    ...used,
    ...used.byFunction["|life:list"]!,
    computeMbMs: 0,
    byFunction: {},
  };
}

const listPages: Scenario = {
  name: "list-pages",
  what: `pages of ${PAGE} of every kind of list over 10,000 works in every state; a job is a page`,
  parallelism: 50,
  pools: OURS_ALONE,
  async measure(run) {
    await fill(run);
    const before = run.world.totals();
    const mostRead: Record<string, number> = {};
    let pages = 0;
    for (const [name, options] of Object.entries(LISTS)) {
      const seen = await readList(run, options);
      pages += seen.pages;
      mostRead[`${name}MostRead`] = seen.mostRead;
      if (seen.works === 0 && name !== "waitingOfNone") {
        run.problems.push(`the list "${name}" was empty`);
      }
    }
    return {
      jobs: pages,
      used: listing(difference(run.world.totals(), before)),
      idleCallsPerMinute: null,
      extra: { mostRead: Math.max(...Object.values(mostRead)), ...mostRead },
    };
  },
};

const retryFilter: Scenario = {
  name: "retry-filter",
  what: "10,000 failed works at 100, tried again by filter",
  parallelism: 100,
  pools: OURS_ALONE,
  async measure(run) {
    const { world } = run;
    const failsUntil = Math.ceil(world.now) + HOUR_MS;
    const all = jobs(run.scaled(10_000), { failsUntil });
    await batches(run, all);
    await run.sleep(failsUntil - world.now);
    run.startOver();
    const before = world.totals();
    await world.mutation("life:retryFailed", { parallelism: run.parallelism });
    await run.ended(all.length);
    const measured = await run.settled(all.length, before);
    run.checkOnce(all);
    run.check(
      "works that have not succeeded",
      world.count("work", "workpool"),
      0,
    );
    const { used } = measured;
    const own = used.byFunction["|jobs:action"]!.calls;
    return {
      ...measured,
      extra: { callsBeyondJobs: (used.calls - own) / all.length },
    };
  },
};

export const afterwards: Scenario[] = [listPages, retryFilter];
