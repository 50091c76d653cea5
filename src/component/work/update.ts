/** Changes a work that waits: when it is due. What a worker has stays as it is. */
import { type Infer, v } from "convex/values";
import type { MutationCtx } from "../_generated/server.js";
import { EntryRemoval } from "../queue/entries.js";
import { checkExpireAt } from "../validateTime.js";
import { outcomeOf } from "./kept.js";
import { liveWork } from "./live.js";
import { requeueAwake } from "./requeueAwake.js";

export const vUpdateAnswer = v.union(
  v.literal("updated"),
  /** A worker has it, or it is suspended. */
  v.literal("running"),
  v.literal("ended"),
  /** There never was such a work, or it has ended and its outcome is not kept. */
  v.literal("unknown"),
);
export type UpdateAnswer = Infer<typeof vUpdateAnswer>;

/**
 * It leaves the entry in which it waits, and gets one of its own. Its fence grows, which
 * matters to nobody: no worker has it.
 */
export async function updateOne(
  ctx: MutationCtx,
  id: string,
  runAt: number,
): Promise<UpdateAnswer> {
  const workId = ctx.db.normalizeId("work", id);
  const work = workId && (await liveWork(ctx, workId));
  if (!work) {
    const outcome = workId && (await outcomeOf(ctx, workId));
    return outcome ? "ended" : "unknown";
  }
  // Its handler has begun, and none will again.
  if (work.suspended !== undefined) return "running";
  if (work.follows !== undefined) {
    // It gets into the queue with the end of the one before it.
    await ctx.db.patch("work", work._id, { runAt });
    return "updated";
  }
  const now = Date.now();
  const queue = new EntryRemoval(ctx);
  const kind = await queue.take(work);
  if (kind === null) return "running";
  if (work.expireAt !== undefined) checkExpireAt(work.expireAt, runAt, now);
  await queue.write();
  const dueAt = runAt <= now ? null : runAt;
  const long = kind === "long";
  await requeueAwake(ctx, [{ work, dueAt, patch: { runAt }, long }]);
  return "updated";
}
