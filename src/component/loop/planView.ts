/** From what a tick saw to a plan. */
import type { MutationCtx } from "../_generated/server.js";
import { deploymentClass } from "../platform.js";
import { SECOND } from "../shared.js";
import { admit } from "./admit.js";
import { type Caps, capsOf } from "./lease.js";
import type { View } from "./look.js";
import { executorViews } from "./executorViews.js";
import { plan, type Plan } from "./plan.js";

/** Nothing has moved for so long that the next report may be far away. */
const IMPATIENT_MS = 5 * SECOND;

/** @param refills - A report of a saturated pool looks for what fills the slots it has freed. */
export function planFor(
  view: View,
  caps: Caps,
  now: number,
  refills = false,
): Plan {
  const { entries, isolated } = admit(view);
  const turnBy = view.state?.turnBy;
  return plan(view.limit, caps, executorViews(view), entries, isolated, {
    favored: turnBy ? { id: turnBy, width: caps.driving } : null,
    impatient:
      now - (view.state?.lastWorkAt ?? now) >
      (refills ? 2 * IMPATIENT_MS : IMPATIENT_MS),
    refills,
  });
}

export async function executorCaps(ctx: MutationCtx): Promise<Caps> {
  return capsOf(await deploymentClass(ctx));
}
