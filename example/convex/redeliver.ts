/**
 * Delivering again. A delivery is failed if and only if its work in the pool is: both go
 * on, or neither does, in one transaction.
 *
 * | the delivery                                   | what follows                                   |
 * | ---------------------------------------------- | ---------------------------------------------- |
 * | failed, and the pool keeps its work            | another round of the same work, in the same row |
 * | failed longer ago than the pool keeps outcomes | a new delivery takes its place                 |
 * | failed, after as many rounds as a row keeps    | the same                                       |
 * | canceled: the pool keeps failed works alone    | the same                                       |
 * | under way, delivered, or replaced already      | nothing: it is refused                         |
 */
import { ConvexError, v, type Infer } from "convex/values";
import { internal } from "./_generated/api.js";
import type { Doc } from "./_generated/dataModel.js";
import {
  internalMutation,
  mutation,
  type MutationCtx,
  type QueryCtx,
} from "./_generated/server.js";
import { record } from "./counts.js";
import { existing, workIdOf } from "./deliveries.js";
import { dispatch } from "./dispatch.js";
import { STAGE } from "./order.js";
import { pool } from "./pool.js";

/** Each adds up to eight attempts to the row, whose size is bounded. */
const MAX_ROUNDS = 20;

/** Deliveries per transaction: each is a call of the pool. */
const PAGE = 50;

export const one = mutation({
  args: { deliveryId: v.id("deliveries") },
  returns: v.null(),
  handler: async (ctx, { deliveryId }) => {
    const delivery = await existing(ctx, deliveryId);
    const { state, redeliveredAs } = delivery;
    if (state !== "failed" && state !== "canceled") {
      throw new ConvexError(
        `this delivery is ${state}; only a failed or canceled one can be redelivered`,
      );
    }
    if (redeliveredAs) {
      throw new ConvexError("this delivery was redelivered already");
    }
    await redeliver(ctx, delivery);
    return null;
  },
});

/** All that have failed so far, or all to one endpoint: page by page, the oldest first. */
export const all = mutation({
  args: { endpointId: v.optional(v.id("endpoints")) },
  returns: v.object({
    /** By now. */
    redelivered: v.number(),
    /** False: the others follow. */
    isDone: v.boolean(),
  }),
  handler: (ctx, { endpointId }) =>
    redeliverPage(ctx, { endpointId, failedBy: Date.now(), from: 0 }),
});

const vPage = v.object({
  endpointId: v.optional(v.id("endpoints")),
  /** What fails later is left alone: it may have been redelivered by this very call. */
  failedBy: v.number(),
  /** When the first of the page was accepted. */
  from: v.number(),
});

export const nextPage = internalMutation({
  args: vPage.fields,
  returns: v.null(),
  handler: async (ctx, page) => {
    await redeliverPage(ctx, page);
    return null;
  },
});

async function redeliverPage(
  ctx: MutationCtx,
  page: Infer<typeof vPage>,
): Promise<{ redelivered: number; isDone: boolean }> {
  const failed = await failedFrom(ctx, page).take(PAGE + 1);
  const meant = failed
    .slice(0, PAGE)
    .filter(
      ({ redeliveredAs, settledAt }) =>
        !redeliveredAs && settledAt! <= page.failedBy,
    );
  for (const delivery of meant) {
    await redeliver(ctx, delivery);
  }
  const next = failed[PAGE];
  if (next) {
    await ctx.scheduler.runAfter(0, internal.redeliver.nextPage, {
      ...page,
      from: next._creationTime,
    });
  }
  return { redelivered: meant.length, isDone: !next };
}

function failedFrom(ctx: QueryCtx, { endpointId, from }: Infer<typeof vPage>) {
  const deliveries = ctx.db.query("deliveries");
  return endpointId
    ? deliveries.withIndex("by_endpoint_and_state", (q) =>
        q
          .eq("endpointId", endpointId)
          .eq("state", "failed")
          .gte("_creationTime", from),
      )
    : deliveries.withIndex("by_state", (q) =>
        q.eq("state", "failed").gte("_creationTime", from),
      );
}

async function redeliver(
  ctx: MutationCtx,
  delivery: Doc<"deliveries">,
): Promise<void> {
  if (!(await goesOn(ctx, delivery))) await replace(ctx, delivery);
}

/** Whether another round of its work has begun. */
async function goesOn(
  ctx: MutationCtx,
  delivery: Doc<"deliveries">,
): Promise<boolean> {
  const { _id, state, endpointId, attempts, redeliveries = [] } = delivery;
  if (state !== "failed" || redeliveries.length >= MAX_ROUNDS) return false;
  const { matched } = await pool.retry(ctx, workIdOf(delivery));
  if (matched === 0) return false;
  const redelivery = { at: Date.now(), attemptsBefore: attempts.length };
  await ctx.db.patch("deliveries", _id, {
    state: "open",
    stage: STAGE.waiting,
    redeliveries: [...redeliveries, redelivery],
    error: undefined,
    settledAt: undefined,
  });
  await record(ctx, endpointId, "reopened");
  return true;
}

/** A new delivery takes its place. */
async function replace(
  ctx: MutationCtx,
  delivery: Doc<"deliveries">,
): Promise<void> {
  const { _id, state, eventId, endpointId, guid, title, subject } = delivery;
  const endpoint = await ctx.db.get("endpoints", endpointId);
  const event = { eventId, guid, title, subject };
  const [redeliveredAs] = await dispatch(ctx, event, [
    // The attempt says so, if the endpoint was removed.
    { _id: endpointId, timeoutMs: endpoint?.timeoutMs ?? 0 },
  ]);
  await ctx.db.patch("deliveries", _id, { redeliveredAs });
  if (state === "failed") await record(ctx, endpointId, "replaced");
}
