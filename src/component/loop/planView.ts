/** From what a tick saw to a plan. */
import type { MutationCtx } from "../_generated/server.js";
import { deploymentClass } from "../platform.js";
import { DRIVER_WIDTH } from "./drive.js";
import { type Caps, capsOf } from "./lease.js";
import { committedAt, executorViews, type View } from "./look.js";
import {
  fairShare,
  merge,
  plan,
  type Plan,
  type WaitingEntry,
} from "./plan.js";

/** @param reporting - The executor in whose report the turn is done. */
export function planFor(
  view: View,
  caps: Caps,
  reporting: string | null = null,
): Plan {
  const { maxParallelism } = view.config;
  const driver = view.state?.driver ?? null;
  const ordinary = merge(
    view.ready.map(waitingEntry),
    view.due.map(waitingEntry),
  );
  return plan(
    maxParallelism,
    caps,
    executorViews(view),
    merge(ordinary, view.long.map(waitingEntry)),
    view.isolated.map(waitingEntry),
    driver
      ? { id: driver.executorId, width: DRIVER_WIDTH }
      : reporting === null
        ? null
        : fairShare(reporting, maxParallelism, caps),
  );
}

export async function executorCaps(ctx: MutationCtx): Promise<Caps> {
  return capsOf(await deploymentClass(ctx));
}

function waitingEntry(entry: View["ready"][number]): WaitingEntry {
  return {
    id: entry.id,
    kind: entry.kind,
    waitingSince: entry.kind === "ready" ? committedAt(entry) : entry.dueAt,
    works: entry.works,
  };
}
