/**
 * One work that follows another: it has a row and no entry in the queue until the one before it has
 * ended, whichever way.
 *
 * | the one before it (`followedBy`)  | the one that follows (`follows`)                        |
 * | --------------------------------- | ------------------------------------------------------- |
 * | waits, runs, is retried           | waits outside of the queue; `status` says "pending"      |
 * | succeeds, fails, is canceled      | goes into the queue, in the transaction of that end      |
 * | any                               | was canceled: it has ended, and nothing follows          |
 *
 * Whoever ends the one before it may be a turn of the loop that parks, or a report of a worker that
 * was canceled. So the loop is woken from a transaction of its own, which sees what became of it;
 * where that cannot be scheduled, the watchdog looks after what waits.
 */
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "../_generated/server.js";
import { requeue } from "../queue/entries.js";
import { wakeForWork } from "../queue/wake.js";
import { v } from "convex/values";
import { liveWork } from "./live.js";

/** `work` has ended: what follows it waits for its turn from now on. */
export async function letFollow(
  ctx: MutationCtx,
  { _id, followedBy }: Pick<Doc<"work">, "_id" | "followedBy">,
): Promise<void> {
  const next = followedBy && (await liveWork(ctx, followedBy));
  if (!next || next.follows !== _id) return;
  const isDue = next.runAt <= Date.now();
  await requeue(ctx, [
    {
      work: next,
      dueAt: isDue ? null : next.runAt,
      patch: { follows: undefined },
    },
  ]);
  await ctx.scheduler.runAfter(0, internal.work.follow.wake, {
    dueAt: next.runAt,
  });
}

export const wake = internalMutation({
  args: { dueAt: v.number() },
  returns: v.null(),
  handler: async (ctx, { dueAt }): Promise<null> => {
    await wakeForWork(ctx, dueAt);
    return null;
  },
});
