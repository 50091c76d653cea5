/** A runner whose calls appear in the function log, with what became of them. */
import type {
  FunctionAddress,
  FunctionOutcome,
  FunctionRunner,
} from "../runtime/types.js";
import { JOBS_TABLE } from "../scheduler/jobs.js";
import type { Clock } from "../seams.js";
import type { CommittedWrites } from "../storage/types.js";
import type { FunctionLog } from "./functionLog.js";

export function loggedRunner(
  runner: FunctionRunner,
  log: FunctionLog,
  clock: Clock,
): FunctionRunner {
  const logged = async <T>(
    address: FunctionAddress,
    run: () => Promise<T>,
    outcomeOf: (result: T) => FunctionOutcome,
  ): Promise<T> => {
    const startedAt = clock.now();
    const result = await run();
    const outcome = outcomeOf(result);
    log.completion(address, startedAt, outcome.ok ? null : outcome.message);
    return result;
  };
  return {
    query: (request) =>
      logged(
        request.address,
        () => runner.query(request),
        ({ outcome }) => outcome,
      ),
    mutation: (request) =>
      logged(
        request.address,
        () => runner.mutation(request),
        ({ outcome }) => outcome,
      ),
    action: (request) =>
      logged(
        request.address,
        () => runner.action(request),
        (outcome) => outcome,
      ),
    httpAction: (request) => runner.httpAction(request),
    describe: (address) => runner.describe(address),
  };
}

/** Scheduled functions run inside; what becomes of them is seen in their rows. */
export function logScheduledFunctions(
  log: FunctionLog,
  { writes }: CommittedWrites,
): void {
  for (const { table, before, after } of writes) {
    if (table !== JOBS_TABLE || after === null) continue;
    const job = after.value;
    const state = job.state as { kind: string; error?: string };
    const previous = before?.value.state as { kind: string } | undefined;
    if (previous?.kind === state.kind) continue;
    if (state.kind !== "success" && state.kind !== "failed") continue;
    log.completion(
      { component: job.component as string, name: job.function as string },
      job.scheduledTime as number,
      state.kind === "failed" ? (state.error ?? "") : null,
    );
  }
}
