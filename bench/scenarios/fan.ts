/** Works that enqueue further works, beside users who enqueue theirs: who keeps whom waiting? */
import type { JSONObject } from "../../embedded/src/storage/types.js";
import { elapsed, percentiles } from "../percentiles.js";
import { LIMITED_POOLS } from "../pools.js";
import type { Run } from "../run.js";
import type { Used } from "../used.js";
import { jobs, type Job } from "../workload.js";
import { poisson } from "./arrivals.js";
import type { Scenario } from "./scenario.js";

/** What a user, a handler or a callback enqueues at once. */
const BATCH = 50;
const JOB_MS = 50;
/** Works that enqueue a batch each are enqueued by so many, so that their results come together. */
const GROUP = 4;
/** Groups of either kind. */
const GROUPS = 12;
/** On average; all slots are taken at times, and at others the pool is at rest. */
const GROUPS_PER_SECOND = 1.25;

/** Calls `send` at each of `times`, in milliseconds from now, whether or not it has been answered before. */
async function atTimes(
  run: Run,
  times: number[],
  send: (index: number) => Promise<unknown>,
): Promise<void> {
  const start = run.world.now;
  const sent: Promise<unknown>[] = [];
  for (const [index, time] of times.entries()) {
    await run.sleep(Math.max(0, start + time - run.world.now));
    sent.push(send(index));
  }
  await Promise.all(sent);
}

/** How often the transactions of this function lost a race. */
function conflictsOf(used: Used, name: string): number {
  return used.byFunction[`|${name}`]?.conflicts ?? 0;
}

/** Attempts that lost a race included, whether it is called or runs in another's transaction. */
function runsOf(used: Used, name: string): number {
  const stats = used.byFunction[`|${name}`];
  return stats === undefined
    ? 0
    : stats.calls + stats.retries + stats.subTransactions;
}

export const fan: Scenario = {
  name: "fan",
  what: `works whose handlers and works whose callbacks enqueue ${BATCH} × ${JOB_MS} ms each, beside users who do, at 100`,
  parallelism: 100,
  pools: LIMITED_POOLS,
  async measure(run) {
    const { world } = run;
    await run.warmUp();
    const groups = run.scaled(GROUPS);
    const works = groups * GROUP;
    // Those that enqueue a batch of others: in handlers, in callbacks; and batches of these and of users.
    const all = jobs(2 * works + 3 * works * BATCH, { ms: JOB_MS });
    let free = 2 * works;
    const batch = (): Job[] => all.slice(free, (free += BATCH));
    const often = (
      perSecond: number,
      count: number,
      send: (index: number) => Promise<unknown>,
    ) => atTimes(run, poisson(world.random, count, perSecond), send);
    const waits: number[] = [];
    const asUser = async (send: () => Promise<unknown>) => {
      const asked = world.now;
      await send();
      waits.push(elapsed(asked, world.now));
    };
    const users = () =>
      often(GROUPS_PER_SECOND * GROUP, works, () =>
        asUser(() => run.enqueue(batch())),
      );
    const enqueuers = (from: "handler" | "callback", first: number) =>
      often(GROUPS_PER_SECOND, groups, (group) => {
        const ids = all.slice(first + group * GROUP).slice(0, GROUP);
        const enqueuing = ids.map(({ id }) => ({ id, jobs: batch() }));
        const args = { from, works: enqueuing as unknown as JSONObject[] };
        return asUser(() => run.feedBy("fan:start", args, GROUP));
      });
    const before = world.totals();
    await Promise.all([
      enqueuers("handler", 0),
      enqueuers("callback", works),
      users(),
    ]);
    await run.ended(all.length);
    const measured = await run.settled(all.length, before);
    run.checkOnce(all);
    const { used } = measured;
    waits.sort((a, b) => a - b);
    return {
      ...measured,
      extra: {
        userP50Ms: percentiles(waits)?.p50 ?? null,
        userP95Ms: percentiles(waits)?.p95 ?? null,
        userMaxMs: waits.at(-1) ?? null,
        userConflicts:
          conflictsOf(used, "pools:enqueue") + conflictsOf(used, "fan:start"),
        handlerConflicts: conflictsOf(used, "fan:enqueueForHandler"),
        callbacksRepeated: runsOf(used, "fan:callback") - works,
      },
    };
  },
};
