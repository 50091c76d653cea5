/** What attempts do while they run, and how they end: attached, beating, suspended, failed. */
import type { Measured } from "../run.js";
import type { Used } from "../used.js";
import { jobs } from "../workload.js";
import { batches, BATCH, beyond, costsMore, OURS_ALONE } from "./beyond.js";
import type { Scenario } from "./scenario.js";

const SECOND_MS = 1000;
/** Twenty seconds are begun. */
const BEATING_MS = 19_500;

function attached(options: {
  name: string;
  what: string;
  count: number;
  ms: number;
  beatEveryMs?: number;
}): Scenario {
  const { name, what, count, ms, beatEveryMs } = options;
  return beyond({
    name,
    what,
    parallelism: 20,
    pools: OURS_ALONE,
    load: (run, isWith) =>
      batches(
        run,
        jobs(run.scaled(count), {
          ms,
          ...(isWith && beatEveryMs !== undefined ? { beatEveryMs } : {}),
        }),
        isWith ? { handler: "attached" } : {},
      ),
    extra: ({ jobs, used: { byFunction } }) => {
      const calls = (name: string) =>
        byFunction[`workpool|attempts:${name}`]?.calls ?? 0;
      return { callsOfHandlers: (calls("listen") + calls("beat")) / jobs };
    },
  });
}

/** Of works that are suspended: until somebody completes them. */
const OUTSIDE_MS = 60_000;
const PROVIDERS = 10;

const suspended = beyond({
  name: "suspended",
  what: "2,000 × 100 ms at 100 that are suspended, and completed a minute later one by one",
  parallelism: 100,
  pools: OURS_ALONE,
  async load(run, isWith) {
    const { world } = run;
    const all = jobs(run.scaled(2000), { ms: 100 });
    const before = world.totals();
    const ids = await run.enqueueAll(
      all,
      BATCH,
      1,
      isWith ? { handler: "suspending" } : {},
    );
    await run.ended(all.length);
    await run.sleep(OUTSIDE_MS);
    if (isWith) {
      run.check("works that wait for somebody", run.left(), all.length);
      const provider = async (first: number) => {
        for (let at = first; at < ids.length; at += PROVIDERS) {
          await world.mutation("life:complete", { id: ids[at]! });
        }
      };
      await Promise.all(
        Array.from({ length: PROVIDERS }, (_, first) => provider(first)),
      );
    }
    await run.drained();
    const measured = await run.settled(all.length, before);
    run.checkOnce(all);
    return measured;
  },
  extra: ({ jobs, used }) => ({
    // Of handlers: their own, and in it the one that suspends. Of clients: the webhook.
    callsBeyondOwn:
      (used.calls -
        used.clientCalls -
        used.byFunction["|life:suspending"]!.calls -
        used.byFunction["workpool|attempts:suspend"]!.calls) /
      jobs,
  }),
});

/** How long every attempt fails: with waits of 100 ms, twice as long each time, that is up to five of them. */
const FAILING_MS = 3000;

const retriesHistory = beyond({
  name: "retries-history",
  what: "1,000 × 100 ms at 100; every attempt fails for three seconds",
  parallelism: 100,
  async load(run, isWith): Promise<Measured> {
    const failsUntil = Math.ceil(run.world.now) + FAILING_MS;
    const all = jobs(run.scaled(1000), {
      ms: 100,
      ...(isWith ? { failsUntil } : {}),
    });
    const before = run.world.totals();
    await run.enqueueAll(all, BATCH, 1, { retry: true });
    await run.drained();
    const measured = await run.settled(all.length, before);
    const never = all.filter(({ id }) => !run.meter.job(id).ends.length);
    run.check("jobs that never ran", never.length, 0);
    const retries = run.meter.ended - all.length;
    return { ...measured, extra: { retriesPerJob: retries / all.length } };
  },
  extra: (measured, without) => {
    const { retriesPerJob } = measured.extra!;
    const perRetry = (count: (used: Used) => number) =>
      costsMore(measured, without, count) / retriesPerJob!;
    return {
      callsPerRetry: perRetry(({ calls }) => calls),
      writtenPerRetry: perRetry(({ documentsWritten }) => documentsWritten),
      readPerRetry: perRetry(({ documentsRead }) => documentsRead),
    };
  },
});

export const attemptScenarios: Scenario[] = [
  attached({
    name: "attached",
    what: "200 × 45 s at 20, attached",
    count: 200,
    ms: 45 * SECOND_MS,
  }),
  attached({
    name: "attached-short",
    what: "200 × 9 s at 20, attached",
    count: 200,
    ms: 9 * SECOND_MS,
  }),
  attached({
    name: "heartbeats",
    what: "200 × 19.5 s at 20, a heartbeat every second",
    count: 200,
    ms: BEATING_MS,
    beatEveryMs: SECOND_MS,
  }),
  attached({
    name: "heartbeats-often",
    what: "the same with ten a second",
    count: 200,
    ms: BEATING_MS,
    beatEveryMs: SECOND_MS / 10,
  }),
  suspended,
  retriesHistory,
];
