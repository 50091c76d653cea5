/** The limits in effect: what the settings say, as far as the class of the deployment has room for it. */
import type { QueryCtx } from "../_generated/server.js";
import { deploymentClass } from "../platform.js";
import type { EffectiveConfig } from "../queue/configRow.js";
import { type ClassRoom, classRoomOf, limitInEffect } from "./classRoom.js";

export type Limits = {
  /** How many handlers may be in flight: the sum of all leases. */
  limit: number;
  room: ClassRoom;
};

export async function limitsOf(
  ctx: QueryCtx,
  { maxParallelism }: Pick<EffectiveConfig, "maxParallelism">,
): Promise<Limits> {
  const room = classRoomOf(await deploymentClass(ctx));
  return { limit: limitInEffect(maxParallelism, room), room };
}
