/** Works of minutes, beside short ones and beside those that take as long as the platform allows. */
import type { Randomness } from "../../embedded/src/seams.js";
import { LIMITED_POOLS } from "../pools.js";
import type { Run } from "../run.js";
import { jobs, type Job } from "../workload.js";
import { difference, type Used } from "../used.js";
import type { Scenario } from "./scenario.js";

const PARALLELISM = 20;
const BATCH = 500;
const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
/** Far more than any pool takes that has not come to a standstill. */
const STANDSTILL_MS = 24 * 60 * MINUTE_MS;

/** In an order that chance decides. */
function shuffled<T>(items: T[], random: Randomness): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random.next() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}

/** Exactly this share is long, so that another seed asks the same of a pool. */
function twoKinds(
  count: number,
  kinds: { longShare: number; longMs: number; shortMs: number },
  random: Randomness,
): number[] {
  const long = Math.max(1, Math.round(count * kinds.longShare));
  const durations = Array.from({ length: count }, (_, index) =>
    index < long ? kinds.longMs : kinds.shortMs,
  );
  return shuffled(durations, random);
}

/** Calls of the jobs' own action. */
function ownCalls({ byFunction }: Used): number {
  return byFunction["|jobs:action"]?.calls ?? 0;
}

/** What a pool made of its slots from when all were taken until fewer works waited than it has slots. */
async function fullWindow(run: Run, count: number) {
  const { meter, world, parallelism } = run;
  const look = () => ({
    at: world.now,
    busy: meter.busy(),
    ended: meter.ended,
    used: world.totals(),
  });
  const full = await run.within(
    STANDSTILL_MS,
    () => meter.slots >= parallelism,
  );
  const from = look();
  const emptied = await run.within(
    STANDSTILL_MS,
    () => count - meter.started < parallelism,
  );
  const to = look();
  if (!full || !emptied) {
    run.problems.push(
      full ? "works waited for a day" : "the pool was never full",
    );
    return { slotsUsed: null, callsBeyondJobs: null, windowMinutes: null };
  }
  const used = difference(to.used, from.used);
  const beyond = used.calls - used.clientCalls - ownCalls(used);
  return {
    slotsUsed: (to.busy - from.busy) / (parallelism * (to.at - from.at)),
    callsBeyondJobs: beyond / Math.max(1, to.ended - from.ended),
    windowMinutes: (to.at - from.at) / MINUTE_MS,
  };
}

function mixed(options: {
  name: string;
  what: string;
  count: number;
  durations(count: number, random: Randomness): number[];
}): Scenario {
  const { name, what } = options;
  return {
    name,
    what,
    parallelism: PARALLELISM,
    pools: LIMITED_POOLS,
    async measure(run) {
      const { world } = run;
      const all = options
        .durations(run.scaled(options.count), world.random)
        .map((ms, id) => ({ id, ms }));
      const before = world.totals();
      const [extra] = await Promise.all([
        fullWindow(run, all.length),
        run.enqueueAll(all, BATCH, 1),
      ]);
      await run.ended(all.length);
      const measured = await run.settled(all.length, before);
      run.checkOnce(all);
      return { ...measured, extra };
    },
  };
}

/** The works of a mutation have their options in common, so the two kinds take turns by tens. */
const TURN = 10;

const aged: Scenario = {
  name: "aged",
  what: "55 works of 25 min (declared: 27) and 55 of 6 min (undeclared) side by side at 20",
  parallelism: PARALLELISM,
  pools: LIMITED_POOLS,
  async measure(run) {
    const { world } = run;
    const count = 2 * run.scaled(55);
    const all = jobs(count).map(({ id }): Job & { declared: boolean } => {
      const declared = Math.floor(id / TURN) % 2 === 0;
      return { id, declared, ms: (declared ? 25 : 6) * MINUTE_MS };
    });
    const before = world.totals();
    for (let from = 0; from < count; from += TURN) {
      const turn = all.slice(from, from + TURN);
      const works = turn.map(({ id, ms }) => ({ id, ms: ms! }));
      await run.enqueue(works, {
        callback: "recorded",
        ...(turn[0]!.declared
          ? { declared: { timeoutMs: 27 * MINUTE_MS } }
          : {}),
      });
    }
    await run.drained();
    const measured = await run.settled(count, before);
    const outcomes = world.documents("outcomes");
    const good = outcomes.filter(({ kind }) => kind === "success");
    run.check("callbacks", outcomes.length, count);
    return { ...measured, extra: { failed: count - good.length } };
  },
};

export const longWorks: Scenario[] = [
  mixed({
    name: "mixed-10min",
    what: "3,000 works at 20: 5 % of 10 min, the others of 10 s",
    count: 3000,
    durations: (count, random) =>
      twoKinds(
        count,
        { longShare: 0.05, longMs: 10 * MINUTE_MS, shortMs: 10 * SECOND_MS },
        random,
      ),
  }),
  mixed({
    name: "mixed-spread",
    what: "2,000 works at 20, each of 20 to 100 s",
    count: 2000,
    durations: (count, random) =>
      Array.from({ length: count }, () =>
        Math.round((20 + 80 * random.next()) * SECOND_MS),
      ),
  }),
  mixed({
    name: "mixed-5min",
    what: "6,600 works at 20: 2 % of 5 min, the others of 5 s",
    count: 6600,
    durations: (count, random) =>
      twoKinds(
        count,
        { longShare: 0.02, longMs: 5 * MINUTE_MS, shortMs: 5 * SECOND_MS },
        random,
      ),
  }),
  aged,
];
