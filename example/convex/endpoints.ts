/** Receivers and what they subscribe to. */
import { v } from "convex/values";
import type { Doc } from "./_generated/dataModel.js";
import { internalMutation, query, type QueryCtx } from "./_generated/server.js";
import { read, vCounts } from "./counts.js";
import schema, { vDeliveryState } from "./schema.js";

/** Every event looks at all of them, so their number is bounded. */
const MAX_ENDPOINTS = 50;
/** No receiver needs longer to take a webhook; an attempt of the pool may take 27 minutes. */
const MAX_TIMEOUT_MS = 10 * 60_000;
/** How many of an endpoint's newest outcomes the page draws as its health. */
const RECENT = 30;

const vEndpoint = schema.tables.endpoints.validator;

/** Adds endpoints, or changes those whose name is known. */
export const register = internalMutation({
  args: { endpoints: v.array(vEndpoint) },
  returns: v.null(),
  handler: async (ctx, { endpoints }) => {
    for (const endpoint of endpoints) {
      checkTimeout(endpoint);
      const known = await ctx.db
        .query("endpoints")
        .withIndex("by_name", (q) => q.eq("name", endpoint.name))
        .unique();
      if (known) {
        await ctx.db.replace("endpoints", known._id, endpoint);
      } else {
        await ctx.db.insert("endpoints", endpoint);
      }
    }
    if ((await all(ctx)).length > MAX_ENDPOINTS) {
      throw new Error(`there can be at most ${MAX_ENDPOINTS} endpoints`);
    }
    return null;
  },
});

/** All endpoints with counts and health; never their secrets. */
export const list = query({
  args: {},
  returns: v.array(
    v.object({
      ...vEndpoint.omit("secret").fields,
      _id: v.id("endpoints"),
      counts: vCounts,
      recent: v.array(vDeliveryState),
    }),
  ),
  handler: async (ctx) =>
    Promise.all(
      (await all(ctx)).map(async ({ _id, name, url, events, timeoutMs }) => {
        const newest = await ctx.db
          .query("deliveries")
          .withIndex("by_endpoint_and_settledAt", (q) =>
            q.eq("endpointId", _id).gt("settledAt", 0),
          )
          .order("desc")
          .take(RECENT);
        return {
          _id,
          name,
          url,
          events,
          timeoutMs,
          counts: await read(ctx, _id),
          recent: newest.map((delivery) => delivery.state).reverse(),
        };
      }),
    ),
});

/** One that the pool refuses would stop every event that goes there. */
function checkTimeout({
  name,
  timeoutMs,
}: {
  name: string;
  timeoutMs: number;
}) {
  if (
    !Number.isInteger(timeoutMs) ||
    timeoutMs < 1 ||
    timeoutMs > MAX_TIMEOUT_MS
  ) {
    throw new Error(
      `timeoutMs of ${name} is ${timeoutMs}; it must be an integer from 1 to ${MAX_TIMEOUT_MS}`,
    );
  }
}

export async function subscribersOf(
  ctx: QueryCtx,
  eventName: string,
): Promise<Doc<"endpoints">[]> {
  return (await all(ctx)).filter(
    ({ events }) => events.includes("*") || events.includes(eventName),
  );
}

function all(ctx: QueryCtx): Promise<Doc<"endpoints">[]> {
  return ctx.db.query("endpoints").take(MAX_ENDPOINTS + 1);
}
