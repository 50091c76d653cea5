/** What can happen to scheduled functions besides running. */
import { cancelJob, finishJob } from "../../embedded/src/scheduler/jobs.js";
import { unfinishedJobs } from "./invariants.js";
import type { Row, Simulation } from "./simulation.js";

const COMPONENT = "workpool";

/** The component's unfinished scheduled functions of this name. */
export function jobsOf(simulation: Simulation, name: string): Row[] {
  return unfinishedJobs(simulation, COMPONENT).filter((job) =>
    (job.name as string).startsWith(name),
  );
}

export const ticks = (simulation: Simulation) => jobsOf(simulation, "loop/");
export const executors = (simulation: Simulation) =>
  jobsOf(simulation, "executor/run");

/** As somebody does by hand in the dashboard. One that runs is not interrupted. */
export function cancelJobs(simulation: Simulation, jobs: Row[]): void {
  inTransaction(simulation, (transaction) => {
    for (const { _id } of jobs) {
      cancelJob(transaction, COMPONENT, _id, simulation.now());
    }
  });
}

/** Marks them as failed, as the platform does with an action that it lost sight of. */
export function failJobs(
  simulation: Simulation,
  jobs: Row[],
  error: string,
): void {
  inTransaction(simulation, (transaction) => {
    for (const { _id: id } of jobs) {
      const job = { namespace: COMPONENT, id };
      const state = { kind: "failed", error } as const;
      finishJob(transaction, job, state, simulation.now());
    }
  });
}

function inTransaction(
  { deployment: { database } }: Simulation,
  run: (transaction: ReturnType<typeof database.begin>) => void,
): void {
  const transaction = database.begin();
  run(transaction);
  database.commit(transaction);
}
