/** One attempt to deliver an event: the action that the pool runs. */
import { v } from "convex/values";
import { NonRetryableError } from "convex-workpool";
import { internal } from "./_generated/api.js";
import { internalAction, internalMutation } from "./_generated/server.js";
import { signedHeaders } from "./signing.js";
import { verdictOn } from "./verdict.js";

export const vReceipt = v.object({ httpStatus: v.number() });

/** How much of a receiver's explanation is kept with the error. */
const EXCERPT_CHARACTERS = 200;

/**
 * Posts the event. Returning is success; throwing lets the pool try again
 * later; `NonRetryableError` tells it not to bother.
 */
export const post = internalAction({
  args: { deliveryId: v.id("deliveries") },
  returns: vReceipt,
  handler: async (ctx, { deliveryId }) => {
    const { endpoint, event, body } = await ctx.runMutation(
      internal.post.begin,
      { deliveryId },
    );
    const answer = await exchange(endpoint, {
      method: "POST",
      body,
      redirect: "manual",
      headers: {
        "content-type": "application/json",
        "user-agent": "Relay",
        "x-github-event": event.name,
        "x-github-delivery": event.guid,
        ...(await signedHeaders(
          endpoint.secret,
          `${event.guid}.${endpoint.name}`,
          Math.floor(Date.now() / 1000),
          body,
        )),
      },
    });
    const verdict = verdictOn(answer.httpStatus);
    if (verdict === "accepted") {
      return { httpStatus: answer.httpStatus };
    }
    const problem = `${endpoint.name} answered ${answer.httpStatus}: ${answer.excerpt}`;
    throw verdict === "retry"
      ? new Error(problem)
      : new NonRetryableError(problem);
  },
});

/**
 * Counts the attempt, before anything is sent, and says what to send. Nobody
 * else writes the row of a delivery under way, so this conflicts with nothing.
 */
export const begin = internalMutation({
  args: { deliveryId: v.id("deliveries") },
  returns: v.object({
    endpoint: v.object({
      name: v.string(),
      url: v.string(),
      secret: v.string(),
      timeoutMs: v.number(),
    }),
    event: v.object({ guid: v.string(), name: v.string() }),
    body: v.string(),
  }),
  handler: async (ctx, { deliveryId }) => {
    const delivery = await ctx.db.get("deliveries", deliveryId);
    const event = delivery && (await ctx.db.get("events", delivery.eventId));
    const payload = event && (await ctx.db.get("payloads", event.payloadId));
    const endpoint =
      delivery && (await ctx.db.get("endpoints", delivery.endpointId));
    if (!payload || !endpoint) {
      throw new NonRetryableError("the endpoint or the event was removed");
    }
    await ctx.db.patch("deliveries", deliveryId, {
      attempts: delivery.attempts + 1,
    });
    const { name, url, secret, timeoutMs } = endpoint;
    return {
      endpoint: { name, url, secret, timeoutMs },
      event: { guid: event.guid, name: event.name },
      body: payload.body,
    };
  },
});

/** Request and answer, all within the endpoint's time-out. */
async function exchange(
  { name, url, timeoutMs }: { name: string; url: string; timeoutMs: number },
  init: RequestInit,
): Promise<{ httpStatus: number; excerpt: string }> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  try {
    const response = await fetch(url, { ...init, signal: controller.signal });
    return {
      httpStatus: response.status,
      excerpt: await beginningOf(response),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      controller.signal.aborted
        ? `${name} did not answer within ${timeoutMs} ms`
        : `${name} could not be reached: ${reason}`,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
  }
}

/** The first chunk of the body. The rest is never read: it may be endless. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) {
    return "";
  }
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value).slice(0, EXCERPT_CHARACTERS);
}
