/**
 * Sends owed callbacks out at once, since somebody asked for it (`kick`): whoever has
 * mended a callback does not want to wait minutes for the next try. A page of them
 * at a time, each page in a transaction of its own, so that the caller's reads nothing
 * that deliveries write.
 *
 * | its delivery                                     | what follows                                     |
 * | ------------------------------------------------ | ------------------------------------------------ |
 * | is due, or in progress                           | It is on its way.                                |
 * | was scheduled after the kick                     | It failed again, or another page has sent it.    |
 * | waits for a later time                           | It is canceled, and another is due now.          |
 * | was canceled by hand, or died                    | That counts as a failure, and another is due now. |
 *
 * No callback runs twice: a delivery that runs at the same time writes the row
 * that is read here, so that one of the two transactions starts anew.
 */
import { v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import {
  internalMutation,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server.js";
import { afterLostDelivery, deliveryOf, scheduleCallback } from "./callback.js";

/** Each of these rows has up to about 20 kB, and is read and written. */
export const PAGE_SIZE = 100;

/** Schedules the first page, if any callback is owed. */
export async function sendOwedCallbacks(ctx: MutationCtx): Promise<void> {
  if ((await owedFrom(ctx, null, 1)).length === 0) return;
  await ctx.scheduler.runAfter(0, internal.work.callbackKick.page, {
    kickedAt: Date.now(),
    after: null,
  });
}

const vPosition = v.object({ dueAt: v.number(), creationTime: v.number() });
type Position = { dueAt: number; creationTime: number };

export const page = internalMutation({
  args: {
    kickedAt: v.number(),
    /** Behind the last callback of the page before. */
    after: v.union(vPosition, v.null()),
  },
  returns: v.null(),
  handler: async (ctx, { kickedAt, after }) => {
    const rows = await owedFrom(ctx, after, PAGE_SIZE);
    for (const row of rows) await sendCallbackNow(ctx, row, kickedAt);
    if (rows.length === PAGE_SIZE) {
      const last = rows.at(-1)!;
      await ctx.scheduler.runAfter(0, internal.work.callbackKick.page, {
        kickedAt,
        after: {
          dueAt: last.callback!.dueAt!,
          creationTime: last._creationTime,
        },
      });
    }
    return null;
  },
});

/** By due time; those that are due at the same time, by creation. */
async function owedFrom(
  ctx: QueryCtx,
  after: Position | null,
  limit: number,
): Promise<Doc<"complete">[]> {
  const siblings =
    after === null
      ? []
      : await ctx.db
          .query("complete")
          .withIndex("by_callback", (q) =>
            q
              .eq("callback.state", "owed")
              .eq("callback.dueAt", after.dueAt)
              .gt("_creationTime", after.creationTime),
          )
          .take(limit);
  if (siblings.length === limit) return siblings;
  const others = await ctx.db
    .query("complete")
    .withIndex("by_callback", (q) =>
      q
        .eq("callback.state", "owed")
        .gt("callback.dueAt", after?.dueAt ?? Number.NEGATIVE_INFINITY),
    )
    .take(limit - siblings.length);
  return [...siblings, ...others];
}

/** Of one that is owed. */
export async function sendCallbackNow(
  ctx: MutationCtx,
  row: Doc<"complete">,
  kickedAt: number,
): Promise<void> {
  const callback = row.callback!;
  const now = Date.now();
  const delivery = await deliveryOf(ctx, callback);
  if (delivery && delivery._creationTime > kickedAt) return;
  switch (delivery?.state.kind) {
    case "inProgress":
      return;
    case "pending":
      if (delivery.scheduledTime <= now) return;
      await ctx.scheduler.cancel(delivery._id);
      await scheduleCallback(ctx, row._id, callback, now);
      return;
    default:
      await scheduleCallback(
        ctx,
        row._id,
        afterLostDelivery(callback, delivery),
        now,
      );
  }
}
