/** The turn that a driver's report does: see `drive.ts`. */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { readRunStatus } from "../wake.js";
import { driverLives, isLight, pollMs } from "./drive.js";
import {
  executorViews,
  lookStale,
  type StatsView,
  type View,
  withStats,
} from "./look.js";
import { executorCap, planFor } from "./planView.js";
import { Turn } from "./turn.js";

/** What a report's executor has to do with the loop's turns. */
export type Driving =
  /** It drives, and should report again after so many milliseconds. */
  | { kind: "drives"; pollMs: number }
  /** Another one does: this one need not listen. */
  | { kind: "another" }
  /** Nothing is left to do, and nobody need listen. */
  | { kind: "parked" }
  | { kind: "none" };

/**
 * Does the loop's turn if this executor drives, or may begin to.
 *
 * @param stats with what the report has changed.
 * @param leaving it takes no more work: then somebody else goes on.
 */
export async function driverTurn(
  ctx: MutationCtx,
  executor: Doc<"executor">,
  stats: StatsView,
  leaving: boolean,
): Promise<Driving> {
  const now = Date.now();
  if ((await readRunStatus(ctx))?.state.kind !== "running") {
    return { kind: "none" };
  }
  const view = withStats(await lookStale(ctx, now), stats);
  const driver = view.state?.driver ?? null;
  if (driver && driver.executorId !== executor._id) {
    return { kind: driverLives(driver, view.executors) ? "another" : "none" };
  }
  const cap = await executorCap(ctx);
  if (!driver && (leaving || !volunteers(view, executor, cap))) {
    return { kind: "none" };
  }
  if (!(await mayScheduleFunctions(ctx, executor))) return { kind: "none" };

  const turn = new Turn(ctx, now, cap, {
    kind: "driver",
    executorId: executor._id,
    stats,
    leaving,
  });
  const outcome = await turn.run(view);
  if (outcome.driver?.executorId === executor._id) {
    return { kind: "drives", pollMs: pollMs(outcome.driver) };
  }
  const { parkedAs } = outcome;
  const nothingLeft =
    parkedAs?.kind === "idle" || parkedAs?.kind === "scheduled";
  return { kind: nothingLeft ? "parked" : "none" };
}

/**
 * Everything that runs and waits would fit one executor. Of several that find
 * this at the same time, the one that has been open for longest begins: the others
 * would conflict with it.
 */
function volunteers(
  view: View,
  { _id }: Doc<"executor">,
  cap: number,
): boolean {
  const executors = executorViews(view);
  const open = executors.filter(({ closing }) => !closing);
  const [eldest] = view.state!.assigned.filter(({ executorId }) =>
    open.some(({ id }) => id === executorId),
  );
  const made = planFor(view, cap);
  return (
    eldest?.executorId === _id &&
    isLight(executors) &&
    !made.leftOver &&
    made.newExecutors.length === 0
  );
}

/** What an executor schedules after it was canceled would be born canceled. */
async function mayScheduleFunctions(
  ctx: MutationCtx,
  { scheduledId }: Doc<"executor">,
): Promise<boolean> {
  const job =
    scheduledId &&
    (await ctx.db.system.get("_scheduled_functions", scheduledId));
  return job?.state.kind === "inProgress";
}
