/** What the page shows of deliveries, and what its buttons do to them. */
import {
  paginationOptsValidator,
  paginationResultValidator,
} from "convex/server";
import { ConvexError, v, type Infer } from "convex/values";
import type { WorkId } from "convex-workpool";
import type { Doc, Id } from "./_generated/dataModel.js";
import { mutation, query, type QueryCtx } from "./_generated/server.js";
import { dispatch } from "./dispatch.js";
import { pool } from "./pool.js";
import { progressOf, vPhaseUnderWay, type Progress } from "./progress.js";
import { vDeliveryState } from "./schema.js";

const vPhase = v.union(
  vPhaseUnderWay,
  v.literal("success"),
  v.literal("failed"),
  v.literal("canceled"),
);

const vRow = v.object({
  _id: v.id("deliveries"),
  _creationTime: v.number(),
  endpointId: v.id("endpoints"),
  endpoint: v.string(),
  guid: v.string(),
  title: v.string(),
  subject: v.string(),
  phase: vPhase,
  attempts: v.number(),
  httpStatus: v.optional(v.number()),
  error: v.optional(v.string()),
  settledAt: v.optional(v.number()),
  redeliveredAs: v.optional(v.id("deliveries")),
});

const vFilter = {
  state: v.optional(vDeliveryState),
  endpointId: v.optional(v.id("endpoints")),
};

/** The most deliveries that the page shows at a time. */
const MAX_RECENT = 200;

/**
 * The newest deliveries, those under way with what the pool knows of them. Not
 * pages: a reactive page grows with what arrives while somebody looks at it.
 */
export const recent = query({
  args: { ...vFilter, limit: v.number() },
  returns: v.object({ rows: v.array(vRow), more: v.boolean() }),
  handler: async (ctx, { state, endpointId, limit }) => {
    const count = Math.min(limit, MAX_RECENT);
    const newest = await matching(ctx, state, endpointId)
      .order("desc")
      .take(count + 1);
    return {
      rows: await describeAll(ctx, newest.slice(0, count)),
      more: newest.length > count && count < MAX_RECENT,
    };
  },
});

/** All deliveries, page by page, for those who do not watch. */
export const list = query({
  args: { ...vFilter, paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(vRow),
  handler: async (ctx, { state, endpointId, paginationOpts }) => {
    const result = await matching(ctx, state, endpointId)
      .order("desc")
      .paginate(paginationOpts);
    return { ...result, page: await describeAll(ctx, result.page) };
  },
});

export const cancel = mutation({
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

export const cancelAll = mutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    await pool.cancelAll(ctx);
    return null;
  },
});

/** Sends once more what failed or was canceled, as a delivery of its own. */
export const redeliver = mutation({
  args: { deliveryId: v.id("deliveries") },
  returns: v.id("deliveries"),
  handler: async (ctx, { deliveryId }) => {
    const delivery = await existing(ctx, deliveryId);
    const { state, eventId, endpointId, guid, title, subject } = delivery;
    if (state !== "failed" && state !== "canceled") {
      throw new ConvexError(
        `this delivery is ${state}; only a failed or canceled one can be redelivered`,
      );
    }
    if (delivery.redeliveredAs) {
      throw new ConvexError("this delivery was redelivered already");
    }
    const [redeliveredAs] = await dispatch(ctx, [
      { eventId, endpointId, guid, title, subject },
    ]);
    await ctx.db.patch("deliveries", deliveryId, { redeliveredAs });
    return redeliveredAs!;
  },
});

function matching(
  ctx: QueryCtx,
  state: Infer<typeof vDeliveryState> | undefined,
  endpointId: Id<"endpoints"> | undefined,
) {
  const deliveries = ctx.db.query("deliveries");
  if (state && endpointId) {
    return deliveries.withIndex("by_endpoint_and_state", (q) =>
      q.eq("endpointId", endpointId).eq("state", state),
    );
  }
  if (state) {
    return deliveries.withIndex("by_state", (q) => q.eq("state", state));
  }
  return endpointId
    ? deliveries.withIndex("by_endpoint", (q) => q.eq("endpointId", endpointId))
    : deliveries.withIndex("by_creation_time");
}

/** Rows without one are seen only by the transaction that inserts them. */
function workIdOf({ workId }: Doc<"deliveries">): WorkId {
  return workId!;
}

async function describeAll(
  ctx: QueryCtx,
  deliveries: Doc<"deliveries">[],
): Promise<Infer<typeof vRow>[]> {
  const open = deliveries.filter(({ state }) => state === "open");
  const progress = await progressOf(ctx, open.map(workIdOf));
  return Promise.all(
    deliveries.map((delivery) =>
      describe(ctx, delivery, progress.get(workIdOf(delivery))),
    ),
  );
}

async function describe(
  ctx: QueryCtx,
  delivery: Doc<"deliveries">,
  progress: Progress | undefined,
): Promise<Infer<typeof vRow>> {
  const { eventId: _, workId: __, state, ...row } = delivery;
  const endpoint = await ctx.db.get("endpoints", row.endpointId);
  return {
    ...row,
    endpoint: endpoint?.name ?? "removed",
    ...(state === "open"
      ? (progress ?? { phase: "queued" })
      : { phase: state }),
  };
}

async function existing(
  ctx: QueryCtx,
  deliveryId: Id<"deliveries">,
): Promise<Doc<"deliveries">> {
  const delivery = await ctx.db.get("deliveries", deliveryId);
  if (!delivery) {
    throw new ConvexError(`there is no delivery ${deliveryId}`);
  }
  return delivery;
}
