/**
 * The order of the list of deliveries: what is being sent, what is sent again
 * later, what waits, what is over; within each, the newest first. A page is a
 * window on that order from a place onwards. It is read anew whenever something
 * in it changes and never grows, unlike a page of `paginate`, whose end stays
 * where it was when it was read first.
 */
import { v, type Infer } from "convex/values";
import type { Doc, Id } from "./_generated/dataModel.js";
import type { QueryCtx } from "./_generated/server.js";
import { vDeliveryState } from "./schema.js";

/** Whatever changes it writes the row anyway, so it costs no write. */
export const STAGE = { settled: 0, waiting: 1, retrying: 2, sending: 3 };

const ALL_STAGES = Object.values(STAGE).sort((a, b) => b - a);

export const vFilter = v.object({
  state: v.optional(vDeliveryState),
  endpointId: v.optional(v.id("endpoints")),
});
export type Filter = Infer<typeof vFilter>;

/** A place in the list: that of a delivery with these. */
export const vPlace = v.object({ stage: v.number(), acceptedAt: v.number() });
export type Place = Infer<typeof vPlace>;

/**
 * `count` deliveries from a place onwards, and the place of the next one. Two
 * deliveries of the same moment may appear on both pages; none appears on neither.
 */
export async function pageOf(
  ctx: QueryCtx,
  filter: Filter,
  { from, count }: { from: Place | undefined; count: number },
): Promise<{ deliveries: Doc<"deliveries">[]; next: Place | null }> {
  const found: Doc<"deliveries">[] = [];
  for (const stage of stagesOf(filter)) {
    if (from && stage > from.stage) continue;
    const until = from?.stage === stage ? from.acceptedAt : Infinity;
    const missing = count + 1 - found.length;
    found.push(
      ...(await inStage(ctx, filter, stage, until).order("desc").take(missing)),
    );
    if (found.length > count) break;
  }
  const after = found[count];
  return {
    deliveries: found.slice(0, count),
    next: after
      ? { stage: after.stage, acceptedAt: after._creationTime }
      : null,
  };
}

function stagesOf({ state }: Filter): number[] {
  if (state === undefined) return ALL_STAGES;
  return state === "open"
    ? ALL_STAGES.filter((stage) => stage !== STAGE.settled)
    : [STAGE.settled];
}

function inStage(
  ctx: QueryCtx,
  { state, endpointId }: Filter,
  stage: number,
  until: number,
) {
  const deliveries = ctx.db.query("deliveries");
  const ended = state === "open" ? undefined : state;
  if (ended) {
    return endpointId
      ? inState(ctx, endpointId, ended, until)
      : deliveries.withIndex("by_state", (q) =>
          q.eq("state", ended).lte("_creationTime", until),
        );
  }
  return endpointId
    ? deliveries.withIndex("by_endpoint_and_stage", (q) =>
        q
          .eq("endpointId", endpointId)
          .eq("stage", stage)
          .lte("_creationTime", until),
      )
    : deliveries.withIndex("by_stage", (q) =>
        q.eq("stage", stage).lte("_creationTime", until),
      );
}

/** An endpoint's deliveries in a state, accepted until then. */
export function inState(
  ctx: QueryCtx,
  endpointId: Id<"endpoints">,
  state: Doc<"deliveries">["state"],
  until: number,
) {
  return ctx.db
    .query("deliveries")
    .withIndex("by_endpoint_and_state", (q) =>
      q
        .eq("endpointId", endpointId)
        .eq("state", state)
        .lte("_creationTime", until),
    );
}
