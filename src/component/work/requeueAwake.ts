/** Puts works back into the queue for somebody outside the loop: the loop is woken for them. */
import type { MutationCtx } from "../_generated/server.js";
import { effectiveConfig } from "../queue/configRow.js";
import { requeue, type Requeued } from "../queue/entries.js";
import { startByOf } from "../queue/startBy.js";
import { wakeForWork } from "../queue/wake.js";

/** @throws when the wake-up cannot be scheduled. */
export async function requeueAwake(
  ctx: MutationCtx,
  items: Requeued[],
): Promise<void> {
  const now = Date.now();
  const expires = items.some(
    ({ work, patch }) => startByOf({ ...work, ...patch }) !== undefined,
  );
  // A paused pool has nobody who would notice.
  const isPaused = expires && (await effectiveConfig(ctx)).maxParallelism === 0;
  const earliest = Math.min(...items.map(({ dueAt }) => dueAt ?? now));
  await requeue(ctx, items, await wakeForWork(ctx, earliest, isPaused));
}
