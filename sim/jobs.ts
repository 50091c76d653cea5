/** What can happen to the component's scheduled functions besides running. */
import { cancelJob, finishJob } from "../embedded/src/scheduler/jobs.js";
import type { Row, World } from "./world.js";

export const COMPONENT = "workpool";
/** Every mount of the component. Histories of the profile `classic` use the first alone. */
export const POOLS: readonly string[] = [COMPONENT, "second"];

/** The component's scheduled functions that are pending or in progress. */
export function unfinishedJobs(world: World, component = COMPONENT): Row[] {
  return world
    .rows("_scheduled_functions", component)
    .filter(({ state }) => isUnfinished(state));
}

export function isUnfinished({ kind }: { kind: string }): boolean {
  return kind === "pending" || kind === "inProgress";
}

/** The unfinished ones of this name. */
export function jobsOf(world: World, name: string): Row[] {
  return unfinishedJobs(world).filter((job) =>
    (job.name as string).startsWith(name),
  );
}

export const ticks = (world: World) => jobsOf(world, "loop/");
export const executors = (world: World) => jobsOf(world, "executor/run");

/** As somebody does by hand in the dashboard. One that runs is not interrupted. */
export function cancelJobs(world: World, jobs: readonly Row[]): void {
  world.intervene((transaction) => {
    for (const { _id } of jobs) {
      cancelJob(transaction, COMPONENT, _id, world.now());
    }
  });
}

/** Marks them as failed, as the platform does with an action that it lost sight of. */
export function failJobs(
  world: World,
  jobs: readonly Pick<Row, "_id">[],
  error: string,
): void {
  world.intervene((transaction) => {
    for (const { _id: id } of jobs) {
      const job = { namespace: COMPONENT, id };
      const state = { kind: "failed", error } as const;
      finishJob(transaction, job, state, world.now());
    }
  });
}

/** Removes finished ones, as the platform does after a week. */
export function removeJobs(world: World, jobs: readonly Row[]): void {
  world.intervene((transaction) => {
    for (const { _id } of jobs) transaction.remove(COMPONENT, _id);
  });
}
