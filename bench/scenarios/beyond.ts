/** Scenarios that ask what one thing costs: the same load with and without it, each on a deployment of its own. */
import type { EnqueueOptions, Measured, Run } from "../run.js";
import type { Used } from "../used.js";
import type { Job } from "../workload.js";
import type { Scenario } from "./scenario.js";

export const BATCH = 500;
/** What uses something that no other pool has. */
export const OURS_ALONE = ["workpool"] as const;

/** What a job of `measured` costs more than one of `without`, by what is counted. */
export function costsMore(
  measured: Measured,
  without: Measured,
  count: (used: Used) => number,
): number {
  return (
    count(measured.used) / measured.jobs - count(without.used) / without.jobs
  );
}

export function beyond(
  scenario: Omit<Scenario, "measure" | "without"> & {
    /** @param isWith - Whether it has what the scenario is about. */
    load(run: Run, isWith: boolean): Promise<Measured>;
    /** What is told beside what a job costs more. */
    extra?(measured: Measured, without: Measured): Record<string, number>;
  },
): Scenario {
  const { load, extra, ...rest } = scenario;
  return {
    ...rest,
    without: (run) => load(run, false),
    async measure(run, without) {
      const measured = await load(run, true);
      const more = (count: (used: Used) => number) =>
        costsMore(measured, without!, count);
      return {
        ...measured,
        extra: {
          ...measured.extra,
          callsMore: more(({ calls }) => calls),
          writtenMore: more(({ documentsWritten }) => documentsWritten),
          readMore: more(({ documentsRead }) => documentsRead),
          bytesMore: more(
            ({ bytesRead, bytesWritten }) => bytesRead + bytesWritten,
          ),
          ...extra?.(measured, without!),
        },
      };
    },
  };
}

/** Enqueues all of `jobs` in batches, and waits until they have ended and the pool has come to rest. */
export async function batches(
  run: Run,
  jobs: Job[],
  options: EnqueueOptions = {},
): Promise<Measured> {
  const before = run.world.totals();
  await run.enqueueAll(jobs, BATCH, 1, options);
  await run.ended(jobs.length);
  const measured = await run.settled(jobs.length, before);
  run.checkOnce(jobs);
  return measured;
}
