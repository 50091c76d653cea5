/** Canceling deliveries. What waits is not sent; what is being sent may arrive, and is not sent again. */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import type { Doc, Id } from "./_generated/dataModel.js";
import {
  internalMutation,
  mutation,
  type MutationCtx,
} from "./_generated/server.js";
import { existing, workIdOf } from "./deliveries.js";
import { inState } from "./order.js";
import { pool } from "./pool.js";

/** Deliveries per transaction: each is a call of the pool. */
const PAGE = 50;

/** Each cancels what was accepted until then; `until` goes back from page to page. */
type Page = { endpointId: Id<"endpoints">; until: number };

export const one = mutation({
  args: { deliveryId: v.id("deliveries") },
  returns: v.null(),
  handler: async (ctx, { deliveryId }) => {
    const delivery = await existing(ctx, deliveryId);
    // Whether it is still under way only the pool knows; a cancel too late is
    // no error, and the row is changed by `settle` alone.
    await pool.cancel(ctx, workIdOf(delivery));
    return null;
  },
});

/** Everything pending, or everything pending to one endpoint. */
export const all = mutation({
  args: { endpointId: v.optional(v.id("endpoints")) },
  returns: v.null(),
  handler: async (ctx, { endpointId }) => {
    if (endpointId === undefined) {
      await pool.cancelAll(ctx);
    } else {
      await cancelPage(ctx, { endpointId, until: Date.now() });
    }
    return null;
  },
});

export const nextPage = internalMutation({
  args: { endpointId: v.id("endpoints"), until: v.number() },
  returns: v.null(),
  handler: async (ctx, page) => {
    await cancelPage(ctx, page);
    return null;
  },
});

async function cancelPage(
  ctx: MutationCtx,
  { endpointId, until }: Page,
): Promise<void> {
  // The newest first, as they wait longest: the others may be over before we are.
  const open = await inState(ctx, endpointId, "open", until)
    .order("desc")
    .take(PAGE + 1);
  const now: Doc<"deliveries">[] = open.slice(0, PAGE);
  for (const delivery of now) {
    await pool.cancel(ctx, workIdOf(delivery));
  }
  const next = open[PAGE];
  if (next) {
    await ctx.scheduler.runAfter(0, internal.cancel.nextPage, {
      endpointId,
      until: next._creationTime,
    });
  }
}
