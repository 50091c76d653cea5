/** What runs when the deployment restarts, or when every executor dies at once: how soon does it go on? */
import { TRANSIENT_ERROR } from "../../embedded/src/runtime/life.js";
import { LIMITED_POOLS } from "../pools.js";
import type { EnqueueOptions, Run } from "../run.js";
import { jobs, type Job } from "../workload.js";
import type { Scenario } from "./scenario.js";

/** Peers notice after five to six minutes, and 50 works one after the other take 25; nobody waits longer. */
const NOBODY_COMES_MS = 30 * 60_000;
/** Works of one mutation: with their arguments they are to fit any of its limits. */
const BATCH = 20;
/** How long a pool may take to begin what it has room for. */
const BEGIN_MS = 60_000;
const LOOK_MS = 100;

/** Waits until all of `works` have begun. */
async function allInFlight(run: Run, works: Job[]): Promise<void> {
  const { meter } = run;
  if (await run.within(BEGIN_MS, () => meter.inFlight === works.length)) return;
  run.problems.push(
    `only ${meter.inFlight} of ${works.length} were in flight at the same time`,
  );
}

function restart(options: {
  name: string;
  what: string;
  count: number;
  argumentBytes: number;
  enqueue?: EnqueueOptions;
  pools?: Scenario["pools"];
}): Scenario {
  const { name, what, count, argumentBytes } = options;
  return {
    name,
    what,
    parallelism: count,
    pools: options.pools ?? LIMITED_POOLS,
    async measure(run) {
      const { world, meter } = run;
      const data = "x".repeat(argumentBytes);
      // None ends by itself before the restart; and none fits in a pool twice.
      const old = jobs(count, { ms: 10 * 60_000, data });
      const before = world.totals();
      await run.enqueueAll(old, BATCH, 1, options.enqueue);
      await allInFlight(run, old);
      const restarted = world.now;
      meter.died();
      await world.restart();
      await run.sleep(1000);
      const fresh = jobs(10, { ms: 100 }).map((job) => ({
        ...job,
        id: count + job.id,
      }));
      await run.enqueue(fresh);
      const waiting = () =>
        fresh.filter(({ id }) => !meter.jobs.get(id)?.starts.length).length;
      const goneOn = () => waiting() === 0 && run.left() === 0;
      while (!goneOn() && world.now - restarted < NOBODY_COMES_MS) {
        await run.sleep(LOOK_MS);
      }
      const goesOnMs = goneOn() ? world.now - restarted : null;
      if (goesOnMs === null) {
        run.problems.push(
          `half an hour after the restart ${run.left()} works were left; of ${fresh.length} new ones ${waiting()} had not begun`,
        );
      }
      const measured = await run.settled(count + fresh.length, before);
      return {
        ...measured,
        extra: { goesOnMs, failedTicks: world.failedMutations().length },
      };
    },
  };
}

function death(name: string, of: string, why: string): Scenario {
  return {
    name,
    what: `50 × 30 s at 50 with retry; after 10 s all executors die of ${of}`,
    parallelism: 50,
    pools: LIMITED_POOLS,
    async measure(run) {
      const { world, meter } = run;
      const all = jobs(50, { ms: 30_000 });
      const before = world.totals();
      await run.enqueueAll(all, all.length, 1, { retry: true });
      await allInFlight(run, all);
      await run.sleep(10_000);
      const died = world.now;
      world.killScheduledActions(why);
      const left = () =>
        all.filter(({ id }) => meter.job(id).ends.length === 0).length;
      const done = await run.within(NOBODY_COMES_MS, () => left() === 0);
      const doneAfterMs = done ? world.now - died : null;
      if (done) await run.drained();
      else run.problems.push(`${left()} of ${all.length} never ended`);
      const measured = await run.settled(all.length, before);
      return { ...measured, extra: { doneAfterMs } };
    },
  };
}

export const deaths: Scenario[] = [
  restart({
    name: "restart",
    what: "200 actions in flight with arguments of 100 kB; the deployment restarts",
    count: 200,
    argumentBytes: 100_000,
  }),
  restart({
    name: "restart-small",
    what: "the same with 400 of 50 kB",
    count: 400,
    argumentBytes: 50_000,
    // The peer refuses a limit above 200.
    pools: ["workpool"],
  }),
  restart({
    name: "restart-contexts",
    what: "the same with 200 contexts of 100 kB that no callback will see",
    count: 200,
    argumentBytes: 0,
    enqueue: { unseenContextBytes: 100_000 },
  }),
  death("death-system", "a system error", TRANSIENT_ERROR),
  death(
    "death-memory",
    "exhausted memory",
    "JavaScript execution ran out of memory (maximum memory usage: 64 MB)",
  ),
];
