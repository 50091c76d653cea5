/** The limit in effect: what the settings say, as far as the class of the deployment has room for it. */
import type { QueryCtx } from "../_generated/server.js";
import { deploymentClass } from "../platform.js";
import { classRoomOf, limitInEffect, SMALLEST_ROOM } from "./classRoom.js";

/** How many handlers may be in flight: the sum of all leases. Asks for the class only where it matters. */
export async function readLimit(
  ctx: QueryCtx,
  maxParallelism: number,
): Promise<number> {
  return maxParallelism <= SMALLEST_ROOM.actions
    ? maxParallelism
    : limitInEffect(maxParallelism, classRoomOf(await deploymentClass(ctx)));
}
