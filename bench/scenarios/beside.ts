/** What a busy pool means for what goes on beside it: subscriptions, the user's own functions, large arguments, deaths. */
import { percentiles } from "../percentiles.js";
import { jobs } from "../workload.js";
import type { Scenario } from "./scenario.js";

const BATCH = 500;

const watched: Scenario = {
  name: "watched",
  what: "burst, with 200 subscribed statuses",
  parallelism: 100,
  async measure(run) {
    const { world } = run;
    const all = jobs(run.scaled(5000));
    const before = world.totals();
    const ids = await run.enqueueAll(all, BATCH, 1);
    const step = Math.max(1, Math.floor(ids.length / 200));
    const watchedIds = ids
      .filter((_, index) => index % step === 0)
      .slice(0, 200);
    const watches = watchedIds.map((id) =>
      world.watch("pools:status", run.statusArguments(id)),
    );
    await run.ended(all.length);
    const measured = await run.settled(all.length, before);
    run.checkOnce(all);
    const unaware = watches.filter(
      ({ latest }) => JSON.stringify(latest()) !== FINISHED[run.pool],
    );
    run.check("subscribers not told of the end", unaware.length, 0);
    const reruns = watches.reduce((sum, watch) => sum + watch.reruns(), 0);
    return {
      ...measured,
      extra: { rerunsPerWatchedJob: reruns / watches.length },
    };
  },
};

const FINISHED = {
  workpool: '{"state":"finished"}',
  "@convex-dev/workpool": '{"state":"finished"}',
  scheduler: '"success"',
};

const neighbours: Scenario = {
  name: "neighbours",
  what: "class S16: the user's own scheduled functions beside 4,000 × 200 ms at 50",
  parallelism: 50,
  class: "S16",
  deepQueue: true,
  async measure(run) {
    const { world, meter } = run;
    const committed = new Map<number, number>();
    let next = 0;
    const schedule = async () => {
      const id = next++;
      const { at } = await world.mutation("neighbours:schedule", { id });
      committed.set(id, at);
    };
    const delays = (from: number, to: number) =>
      [...committed]
        .filter(([id]) => id >= from && id < to)
        .map(([id, at]) => (meter.neighbours.get(id) ?? Infinity) - at)
        .sort((a, b) => a - b);

    const before = world.totals();
    const all = jobs(run.scaled(4000), { ms: 200 });
    // Each is scheduled, runs and was scheduled by a client's call.
    for (let i = 0; i < 20; i++) {
      await schedule();
      await run.sleep(233);
    }
    await run.sleep(60_000);
    const alone = next;
    await run.enqueueAll(all, BATCH, 1);
    const busy = run.ended(all.length).then(() => (over = true));
    let over = false;
    while (!over) {
      await Promise.race([busy, run.sleep(233)]);
      if (!over) await schedule();
    }
    const beside = next;
    const measured = await run.settled(all.length, before);
    run.checkOnce(all);
    const quiet = percentiles(delays(0, alone));
    const loud = percentiles(delays(alone, beside));
    // Their own calls are not the pool's.
    measured.used.calls -= 2 * next;
    measured.used.clientCalls -= next;
    measured.used.scheduled -= next;
    return {
      ...measured,
      extra: {
        delayAloneP50Ms: quiet?.p50 ?? null,
        delayP50Ms: loud?.p50 ?? null,
        delayP95Ms: loud?.p95 ?? null,
        delayMaxMs: delays(alone, beside).at(-1) ?? null,
      },
    };
  },
};

const largeArguments: Scenario = {
  name: "large-arguments",
  what: "50 × 100 ms at 10 with arguments of 800 kB",
  parallelism: 10,
  async measure(run) {
    const before = run.world.totals();
    const all = jobs(run.scaled(50), { ms: 100, data: "x".repeat(800_000) });
    await run.enqueueAll(all, 1, 5);
    await run.ended(all.length);
    const measured = await run.settled(all.length, before);
    run.checkOnce(all);
    return measured;
  },
};

/** Peers notice after five to six minutes; nobody waits longer than this. */
const NOBODY_COMES_MS = 30 * 60_000;

const lostWorker: Scenario = {
  name: "lost-worker",
  what: "20 × 60 s at 20 with retry; the process that runs them dies after 10 s",
  parallelism: 20,
  async measure(run) {
    const { world, meter } = run;
    // No more than there is room for: those that waited would be first.
    const all = jobs(20, { ms: 60_000 });
    const before = world.totals();
    await run.enqueueAll(all, BATCH, 1, { retry: true });
    await meter.until(() => meter.inFlight === all.length);
    await run.sleep(10_000);
    const lost = all.filter(({ id }) => {
      const { starts, ends } = meter.job(id);
      return starts.length > ends.length;
    });
    const died = world.now;
    meter.died();
    await world.restart();
    const again = () =>
      lost.filter(({ id }) => meter.job(id).starts.length > 1).length;
    await Promise.race([
      meter.until(() => again() === lost.length),
      run.sleep(NOBODY_COMES_MS),
    ]);
    const waits = lost
      .flatMap(({ id }) => meter.job(id).starts.slice(1, 2))
      .map((start) => start - died)
      .sort((a, b) => a - b);
    if (waits.length < lost.length) {
      run.problems.push(
        `${lost.length - waits.length} of ${lost.length} lost jobs never ran again`,
      );
    } else {
      await run.drained();
    }
    const measured = await run.settled(all.length, before);
    return {
      ...measured,
      extra: {
        lostJobs: lost.length,
        againP50Ms: percentiles(waits)?.p50 ?? null,
        againMaxMs: waits.length < lost.length ? null : (waits.at(-1) ?? null),
      },
    };
  },
};

export const beside: Scenario[] = [
  watched,
  neighbours,
  largeArguments,
  lostWorker,
];
