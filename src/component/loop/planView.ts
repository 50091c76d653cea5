/** From what a tick saw to a plan. */
import type { MutationCtx } from "../_generated/server.js";
import { deploymentClass } from "../platform.js";
import { DRIVER_WIDTH } from "./drive.js";
import { maxExecutors } from "./lease.js";
import { committedAt, executorViews, type View } from "./look.js";
import { merge, plan, type Plan, type WaitingEntry } from "./plan.js";

export function planFor(view: View, cap: number): Plan {
  return plan(
    view.config.maxParallelism,
    cap,
    executorViews(view),
    merge(view.ready.map(waitingEntry), view.due.map(waitingEntry)),
    view.isolated.map(waitingEntry),
    view.state?.driver
      ? { id: view.state.driver.executorId, width: DRIVER_WIDTH }
      : null,
  );
}

export async function executorCap(ctx: MutationCtx): Promise<number> {
  return maxExecutors(await deploymentClass(ctx));
}

function waitingEntry(entry: View["ready"][number]): WaitingEntry {
  return {
    id: entry.id,
    kind: entry.kind,
    waitingSince: entry.kind === "ready" ? committedAt(entry) : entry.dueAt,
    works: entry.works,
  };
}
