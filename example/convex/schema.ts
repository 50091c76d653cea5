import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { vWorkId } from "convex-workpool";

/** How a delivery ended; `open` until its work in the pool has an outcome. */
export const vDeliveryState = v.union(
  v.literal("open"),
  v.literal("success"),
  v.literal("failed"),
  v.literal("canceled"),
);

/** One request to a receiver, or one that was about to be made. */
export const vAttempt = v.object({
  startedAt: v.number(),
  /** From the request to the answer, or to the end of waiting for one. Absent until then. */
  durationMs: v.optional(v.number()),
  /** Absent where there was no answer. */
  httpStatus: v.optional(v.number()),
  /** Why the delivery was not made by it. */
  error: v.optional(v.string()),
});

/** That a delivery which had failed was begun anew: another round of the same work. */
export const vRedelivery = v.object({
  at: v.number(),
  /** How many attempts there were by then. */
  attemptsBefore: v.number(),
});

/** What can happen to the deliveries of an endpoint, one ledger entry each. */
export const vChange = v.union(
  v.literal("accepted"),
  v.literal("success"),
  v.literal("failed"),
  v.literal("canceled"),
  /** It had failed, and is under way again. */
  v.literal("reopened"),
  /** It has failed, and another delivery took its place. */
  v.literal("replaced"),
);

export default defineSchema({
  /** Where events are delivered to. */
  endpoints: defineTable({
    name: v.string(),
    url: v.string(),
    /** GitHub event names, or `"*"` for all of them. */
    events: v.array(v.string()),
    /** Signs what we send, so that the receiver can tell it is from us. */
    secret: v.string(),
    timeoutMs: v.number(),
  }).index("by_name", ["name"]),

  /** A webhook that was accepted, once per GitHub delivery id. */
  events: defineTable({
    /** GitHub's `X-GitHub-Delivery`: the same when GitHub sends it again. */
    guid: v.string(),
    name: v.string(),
    payloadId: v.id("payloads"),
  }).index("by_guid", ["guid"]),

  /** Bodies apart from events: lists of events never read them. */
  payloads: defineTable({ body: v.string() }),

  /** One event on its way to one endpoint. */
  deliveries: defineTable({
    eventId: v.id("events"),
    endpointId: v.id("endpoints"),
    /** Set in the transaction that inserts the row. */
    workId: v.optional(vWorkId),
    state: vDeliveryState,
    /** Copied from the event, so that a list needs no second read per row. */
    guid: v.string(),
    title: v.string(),
    subject: v.string(),
    /** Where it stands in the list of deliveries: see order.ts. */
    stage: v.number(),
    /**
     * Of all rounds. The pool bounds those of a round, and redeliver.ts the rounds: few enough to
     * be kept in the row, which every attempt writes anyway.
     */
    attempts: v.array(vAttempt),
    redeliveries: v.optional(v.array(vRedelivery)),
    /** Why it failed, as the pool says it. */
    error: v.optional(v.string()),
    settledAt: v.optional(v.number()),
    /** The delivery that took its place. */
    redeliveredAs: v.optional(v.id("deliveries")),
  })
    .index("by_work", ["workId"])
    .index("by_state", ["state"])
    .index("by_stage", ["stage"])
    .index("by_endpoint_and_stage", ["endpointId", "stage"])
    .index("by_endpoint_and_state", ["endpointId", "state"])
    .index("by_endpoint_and_settledAt", ["endpointId", "settledAt"]),

  /** See counts.ts. */
  ledger: defineTable({
    endpointId: v.id("endpoints"),
    change: vChange,
  }).index("by_endpoint", ["endpointId"]),

  /** See counts.ts. */
  totals: defineTable({
    endpointId: v.id("endpoints"),
    accepted: v.number(),
    success: v.number(),
    failed: v.number(),
    canceled: v.number(),
    /** Absent in rows from before it was counted. */
    replaced: v.optional(v.number()),
  }).index("by_endpoint", ["endpointId"]),

  /** What the page asked of the pool; a singleton. */
  settings: defineTable({
    parallelism: v.number(),
    paused: v.boolean(),
  }),
});
