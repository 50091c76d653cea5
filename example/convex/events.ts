/** Accepting an event and handing it to the pool, in one transaction. */
import { v } from "convex/values";
import { internalMutation } from "./_generated/server.js";
import { dispatch } from "./dispatch.js";
import { subscribersOf } from "./endpoints.js";

/**
 * Stores the event and enqueues a delivery to every subscribed endpoint: either
 * all of it happens, or nothing. Returns the number of deliveries, or `null` when
 * the event had been accepted before: GitHub repeats what it got no answer to.
 *
 * That is known by GitHub's delivery id, in the index of a table that Relay writes anyway: for ever,
 * and in the transaction that enqueues, so that a delivery has one work. An app that stores no such row
 * leaves it to the pool (`enqueueUniqueAction` with the id as its key): two documents more per
 * work, a call for each instead of one for all, and remembered as long as the scope of the key says.
 */
export const accept = internalMutation({
  args: {
    guid: v.string(),
    name: v.string(),
    title: v.string(),
    subject: v.string(),
    body: v.string(),
  },
  returns: v.union(v.number(), v.null()),
  handler: async (ctx, { guid, name, title, subject, body }) => {
    const known = await ctx.db
      .query("events")
      .withIndex("by_guid", (q) => q.eq("guid", guid))
      .unique();
    if (known) {
      return null;
    }
    const payloadId = await ctx.db.insert("payloads", { body });
    const eventId = await ctx.db.insert("events", { guid, name, payloadId });
    const endpoints = await subscribersOf(ctx, name);
    await dispatch(ctx, { eventId, guid, title, subject }, endpoints);
    return endpoints.length;
  },
});
