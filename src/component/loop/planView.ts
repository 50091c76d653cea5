/** From what a tick saw to a plan. */
import type { MutationCtx } from "../_generated/server.js";
import { deploymentClass } from "../platform.js";
import { SECOND } from "../shared.js";
import { admit } from "./admit.js";
import { type Caps, capsOf, fairWidth } from "./lease.js";
import type { View } from "./look.js";
import { executorViews } from "./executorViews.js";
import type { Favored } from "./lane.js";
import { plan, type Plan } from "./plan.js";

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
  const { entries, isolated } = admit(view);
  return plan(maxParallelism, caps, executorViews(view), entries, isolated, {
    favored: favoredIn(view, caps, reporting),
    impatient: now - (view.state?.lastWorkAt ?? now) > IMPATIENT_MS,
  });
}

function favoredIn(
  { state, config }: View,
  caps: Caps,
  reporting: string | null,
): Favored | null {
  if (state?.turnBy) return { id: state.turnBy, width: caps.driving };
  return reporting === null
    ? null
    : { id: reporting, width: fairWidth(config.maxParallelism, caps) };
}

export async function executorCaps(ctx: MutationCtx): Promise<Caps> {
  return capsOf(await deploymentClass(ctx));
}
