/** The way into the pool and out of it. */
import { v, type Infer } from "convex/values";
import { vOnCompleteArgs, type RunResult } from "convex-workpool";
import { internal } from "./_generated/api.js";
import type { Doc, Id } from "./_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "./_generated/server.js";
import { endedLast, openOne, type End } from "./attempts.js";
import { record } from "./counts.js";
import { STAGE } from "./order.js";
import { attemptTimeoutMs, DELIVERY_RETRY, pool } from "./pool.js";
import { vReceipt } from "./post.js";
import { endInPool } from "./progress.js";

/** What is delivered. */
type Accepted = Pick<
  Doc<"deliveries">,
  "eventId" | "guid" | "title" | "subject"
>;

/** Enqueues the deliveries of an event together: one call, however many endpoints subscribe. */
export async function dispatch(
  ctx: MutationCtx,
  event: Accepted,
  endpoints: readonly Pick<Doc<"endpoints">, "_id" | "timeoutMs">[],
): Promise<Id<"deliveries">[]> {
  const deliveryIds = await Promise.all(
    endpoints.map(async ({ _id: endpointId }) => {
      await record(ctx, endpointId, "accepted");
      return ctx.db.insert("deliveries", {
        ...event,
        endpointId,
        state: "open",
        stage: STAGE.waiting,
        attempts: [],
      });
    }),
  );
  const workIds = await pool.enqueueActionBatch(
    ctx,
    internal.post.post,
    deliveryIds.map((deliveryId) => ({ deliveryId })),
    {
      retry: DELIVERY_RETRY,
      timeoutMs: attemptTimeoutMs(endpoints),
      // A handler that hangs only waits, so another delivery may have its slot.
      onTimeout: "release",
      onComplete: internal.dispatch.settle,
    },
  );
  await Promise.all(
    deliveryIds.map((deliveryId, i) =>
      ctx.db.patch("deliveries", deliveryId, { workId: workIds[i] }),
    ),
  );
  return deliveryIds;
}

/**
 * Called by the pool with each delivery's outcome, and once more for each round that
 * redeliver.ts has it begin. There is no check whether it was called before in this
 * round: the pool promises that it was not, and the ledger would show it if it were.
 */
export const settle = internalMutation({
  args: vOnCompleteArgs(undefined, vReceipt),
  returns: v.null(),
  handler: async (ctx, { workId, result }) => {
    const delivery = await ctx.db
      .query("deliveries")
      .withIndex("by_work", (q) => q.eq("workId", workId))
      .unique();
    if (!delivery) {
      throw new Error(`no delivery belongs to work ${workId}`);
    }
    const unended = openOne(delivery.attempts);
    const end =
      result.kind === "failed" &&
      unended &&
      (await endInPool(ctx, workId, unended));
    await ctx.db.patch("deliveries", delivery._id, {
      state: result.kind,
      stage: STAGE.settled,
      attempts: endedLast(delivery.attempts, end || endOf(result)),
      error: result.kind === "failed" ? result.error : undefined,
      settledAt: Date.now(),
    });
    await record(ctx, delivery.endpointId, result.kind);
    return null;
  },
});

/** Of the last attempt, where neither it nor the pool has said so. */
function endOf(result: RunResult<Infer<typeof vReceipt>>): End {
  switch (result.kind) {
    case "success":
      return result.returnValue;
    case "failed":
      return { error: result.error };
    case "canceled":
      return { error: "canceled while it ran" };
  }
}
