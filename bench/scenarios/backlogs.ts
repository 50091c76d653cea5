/** Work that waits: for room, for its time, or to be canceled. */
import type { Randomness } from "../../embedded/src/seams.js";
import type { Run } from "../run.js";
import { jobs } from "../workload.js";
import { difference } from "../used.js";
import type { Scenario } from "./scenario.js";

const HOUR_MS = 3_600_000;
const BATCH = 500;

function saturated(
  name: string,
  what: string,
  durationMs: (random: Randomness) => number,
): Scenario {
  return {
    name,
    what,
    parallelism: 20,
    deepQueue: true,
    async measure(run) {
      const { meter, world } = run;
      // However small the scale: it must not run dry within the hour.
      const all = jobs(Math.max(1300, run.scaled(10_000))).map(({ id }) => ({
        id,
        ms: durationMs(world.random),
      }));
      await run.enqueueAll(all, BATCH, 1);
      await meter.until(() => meter.inFlight >= run.parallelism);
      const before = world.totals();
      const endedBefore = meter.ended;
      await run.sleep(HOUR_MS);
      const used = difference(world.totals(), before);
      const ended = meter.ended - endedBefore;
      if (ended === 0) run.problems.push("no job ended within an hour");
      return {
        jobs: ended,
        used,
        idleCallsPerMinute: null,
        extra: { callsBeyondJobs: (used.calls - ended) / Math.max(1, ended) },
      };
    },
  };
}

const delayed: Scenario = {
  name: "delayed",
  what: "10,000 no-op actions due over ten minutes, in no order",
  parallelism: 100,
  async measure(run) {
    const { random } = run.world;
    const all = jobs(run.scaled(10_000));
    // The first is due when all have been enqueued.
    const delays = all.map(() => 10_000 + Math.floor(random.next() * 600_000));
    const before = run.world.totals();
    await run.enqueueAll(all, 100, 1, { delays });
    await run.ended(all.length);
    const measured = await run.settled(all.length, before);
    run.checkOnce(all);
    const early = run.meter.startLatencies().filter((late) => late < 0);
    if (early.length > 0) {
      run.problems.push(
        `${early.length} jobs started before they were due, by up to ${Math.round(-early[0]!)} ms`,
      );
    }
    return measured;
  },
};

const cancel: Scenario = {
  name: "cancel",
  what: "10,000 jobs of 60 s at 10, then cancelAll",
  parallelism: 10,
  async measure(run) {
    const { meter } = run;
    const all = jobs(run.scaled(10_000), { ms: 60_000 });
    const before = run.world.totals();
    await run.enqueueAll(all, BATCH, 1, { cancelable: true });
    await meter.until(() => meter.inFlight >= run.parallelism);
    const asked = run.world.now;
    await run.cancelAll();
    await run.drained(() => meter.inFlight);
    const tookMs = run.world.now - asked;
    const { started } = meter;
    await run.drained();
    const measured = await run.settled(all.length, before);
    run.check("jobs that ran all the same", meter.started - started, 0);
    run.check("running jobs that were allowed to end", meter.ended, started);
    return { ...measured, extra: { canceledWithinMs: tookMs, started } };
  },
};

/** Jobs whose cost is counted. */
const SLICE = 2000;
/**
 * Scans pass over what was deleted or superseded lately: both slices are measured
 * with a past this long behind them, which is longer than it takes to fill the queue.
 */
const PAST_MS = 12_000;
const FULL_PAST_MS = 120_000;

/** What a slice of jobs costs, with `waiting` more behind them all the time. */
async function slice(run: Run, first: number, waiting: number) {
  const { meter, world } = run;
  const endedBefore = meter.ended;
  let enqueued = 0;
  const fill = async () => {
    while (enqueued - (meter.ended - endedBefore) < waiting + SLICE) {
      const from = first + enqueued;
      enqueued += BATCH;
      await run.enqueue(
        jobs(BATCH, { ms: 100 }).map((job) => ({ ...job, id: from + job.id })),
      );
    }
  };
  const past = run.setting.full ? FULL_PAST_MS : run.scaled(PAST_MS);
  const start = world.now + past;
  do {
    await fill();
    await run.ended(meter.ended + BATCH);
  } while (world.now < start);
  const before = world.totals();
  const from = meter.ended;
  await run.ended(from + SLICE);
  const used = difference(world.totals(), before);
  return { used, jobs: meter.ended - from };
}

const deep: Scenario = {
  name: "deep",
  what: "100 ms actions at 100 with 100,000 (1,000,000 with --full) waiting, against 1,000",
  parallelism: 100,
  async measure(run) {
    const depth = run.setting.full ? 1_000_000 : run.scaled(100_000);
    const shallow = await slice(run, 0, 1000);
    await run.drained();
    await run.sleep(60_000);
    const deep = await slice(run, 1_000_000_000, depth);
    const ratio = (cost: (used: typeof deep.used) => number) =>
      cost(deep.used) / deep.jobs / (cost(shallow.used) / shallow.jobs);
    return {
      ...deep,
      idleCallsPerMinute: null,
      extra: {
        depth,
        callsRatio: ratio((used) => used.calls),
        documentsRatio: ratio(
          (used) => used.documentsRead + used.documentsWritten,
        ),
        bytesRatio: ratio((used) => used.bytesRead + used.bytesWritten),
        // Everything that was looked at: what a scan from the start would show.
        touchedRatio: ratio(
          (used) =>
            used.documentsRead + used.documentsWritten + used.tombstonesScanned,
        ),
      },
    };
  },
};

export const backlogs: Scenario[] = [
  saturated(
    "saturated",
    "60 s jobs at 20 with 10,000 waiting, for an hour",
    () => 60_000,
  ),
  saturated(
    "saturated-spread",
    "jobs of 30 to 90 s at 20 with 10,000 waiting, for an hour",
    (random) => Math.round(30_000 + 60_000 * random.next()),
  ),
  delayed,
  cancel,
  deep,
];
