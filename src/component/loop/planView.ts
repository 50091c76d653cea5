/** From what a tick saw to a plan. */
import type { MutationCtx } from "../_generated/server.js";
import { deploymentClass } from "../platform.js";
import { SECOND } from "../shared.js";
import { DRIVER_WIDTH } from "./drive.js";
import { type Caps, capsOf, fairWidth } from "./lease.js";
import { committedAt, executorViews, type View } from "./look.js";
import {
  type Favored,
  merge,
  plan,
  type Plan,
  type WaitingEntry,
} from "./plan.js";

/** Nothing has moved for so long that the next report may be far away. */
const IMPATIENT_MS = 5 * SECOND;

/** @param reporting - The executor in whose report the turn is done. */
export function planFor(
  view: View,
  caps: Caps,
  now: number,
  reporting: string | null = null,
): Plan {
  const { maxParallelism } = view.config;
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
    {
      favored: favoredIn(view, caps, reporting),
      impatient: now - (view.state?.lastWorkAt ?? now) > IMPATIENT_MS,
    },
  );
}

function favoredIn(
  { state, config }: View,
  caps: Caps,
  reporting: string | null,
): Favored | null {
  if (state?.turnBy) return { id: state.turnBy, width: DRIVER_WIDTH };
  return reporting === null
    ? null
    : { id: reporting, width: fairWidth(config.maxParallelism, caps) };
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
