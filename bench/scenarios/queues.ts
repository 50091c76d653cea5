/** A queue of many jobs, worked off as fast as the pool can. */
import { jobs, type MakeWorkload } from "../workload.js";
import type { Scenario } from "./scenario.js";

const BATCH = 500;
/** Clients that enqueue one job after the other, all at once. */
const CLIENTS = 50;

function queue(options: {
  name: string;
  what: string;
  parallelism: number;
  count: number;
  ms?: number;
  job?: "mutation";
  single?: boolean;
}): Scenario {
  const { name, what, parallelism, count, ms, single } = options;
  const workload: MakeWorkload = (scaled) => ({
    jobs: jobs(scaled(count), ms === undefined ? {} : { ms }),
    job: options.job ?? "action",
    feed: single
      ? { kind: "clients", clients: CLIENTS, size: 1 }
      : { kind: "clients", clients: 1, size: BATCH },
  });
  return {
    name,
    what,
    parallelism,
    deepQueue: ms !== undefined,
    workload,
    async measure(run) {
      const { world } = run;
      const load = workload(run.scaled, world.random);
      const count = load.jobs.length;
      const before = world.totals();
      await run.feed(load);
      await run.ended(count);
      const measured = await run.settled(count, before);
      if (load.job === "action") {
        run.checkOnce(load.jobs);
      } else {
        // Attempts that lost a race were started too: what counts is the effect.
        run.check("documents written", world.count("effects"), count);
        const effects = new Set(world.documents("effects").map(({ id }) => id));
        run.check("jobs with an effect", effects.size, count);
      }
      return measured;
    },
  };
}

export const queues: Scenario[] = [
  queue({
    name: "burst",
    what: "5,000 no-op actions at 100, enqueued in batches",
    parallelism: 100,
    count: 5000,
  }),
  queue({
    name: "burst-single",
    what: "5,000 no-op actions at 100, enqueued one by one",
    parallelism: 100,
    count: 5000,
    single: true,
  }),
  queue({
    name: "throughput",
    what: "5,000 × 100 ms at 100",
    parallelism: 100,
    count: 5000,
    ms: 100,
  }),
  queue({
    name: "mutations",
    what: "5,000 small mutations at 100",
    parallelism: 100,
    count: 5000,
    job: "mutation",
  }),
  queue({
    name: "serial",
    what: "500 × 10 ms at 1",
    parallelism: 1,
    count: 500,
    ms: 10,
  }),
];
