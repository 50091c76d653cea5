/** One attempt to deliver an event: the action that the pool runs. */
import { v } from "convex/values";
import { NonRetryableError } from "convex-workpool";
import { internal } from "./_generated/api.js";
import { internalAction, internalMutation } from "./_generated/server.js";
import { ended, endedLast, LOST, openOne } from "./attempts.js";
import { STAGE } from "./order.js";
import { endInPool } from "./progress.js";
import { signedHeaders } from "./signing.js";
import { verdictOn, type Verdict } from "./verdict.js";

/** What `settle` records of an attempt that went well, so that this one needs no call for it. */
export const vReceipt = v.object({
  httpStatus: v.number(),
  durationMs: v.number(),
});

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
    const { attempt, endpoint, event, body } = await ctx.runMutation(
      internal.post.begin,
      { deliveryId },
    );
    const headers = {
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
    };
    const sentAt = Date.now();
    const answer = await exchange(endpoint, {
      method: "POST",
      body,
      redirect: "manual",
      headers,
    });
    const durationMs = Date.now() - sentAt;
    if (answer.verdict === "accepted") {
      return { httpStatus: answer.httpStatus, durationMs };
    }
    const { verdict, problem: error, httpStatus } = answer;
    await ctx.runMutation(internal.post.fail, {
      deliveryId,
      attempt,
      durationMs,
      httpStatus,
      error,
    });
    throw verdict === "retry" ? new Error(error) : new NonRetryableError(error);
  },
});

/**
 * Records the attempt, before anything is sent, and says what to send. Nobody
 * else writes the row of a delivery under way, so this conflicts with nothing.
 */
export const begin = internalMutation({
  args: { deliveryId: v.id("deliveries") },
  returns: v.object({
    /** Which one it is, counted from 1. */
    attempt: v.number(),
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
    const unended = openOne(delivery.attempts);
    const end = unended && (await endInPool(ctx, delivery.workId!, unended));
    const attempts = [
      ...endedLast(delivery.attempts, end ?? LOST),
      { startedAt: Date.now() },
    ];
    await ctx.db.patch("deliveries", deliveryId, {
      attempts,
      stage: STAGE.sending,
    });
    const { name, url, secret, timeoutMs } = endpoint;
    return {
      attempt: attempts.length,
      endpoint: { name, url, secret, timeoutMs },
      event: { guid: event.guid, name: event.name },
      body: payload.body,
    };
  },
});

/** Records why an attempt failed, at once: the next one, or the outcome, may be half a minute away. */
export const fail = internalMutation({
  args: {
    deliveryId: v.id("deliveries"),
    attempt: v.number(),
    durationMs: v.number(),
    httpStatus: v.optional(v.number()),
    error: v.string(),
  },
  returns: v.null(),
  handler: async (ctx, { deliveryId, attempt, ...end }) => {
    const delivery = await ctx.db.get("deliveries", deliveryId);
    // One that timed out, or was given up for lost, may come back when the next has begun.
    if (
      delivery?.state === "open" &&
      delivery.attempts.length === attempt &&
      openOne(delivery.attempts)
    ) {
      await ctx.db.patch("deliveries", deliveryId, {
        attempts: ended(delivery.attempts, attempt, end),
        stage: STAGE.retrying,
      });
    }
    return null;
  },
});

type Answer =
  | { verdict: "accepted"; httpStatus: number }
  | {
      verdict: Exclude<Verdict, "accepted">;
      httpStatus?: number;
      problem: string;
    };

/** Request and answer, all within the endpoint's time-out. */
async function exchange(
  { name, url, timeoutMs }: { name: string; url: string; timeoutMs: number },
  init: RequestInit,
): Promise<Answer> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  try {
    const response = await fetch(url, { ...init, signal: controller.signal });
    const httpStatus = response.status;
    const excerpt = await beginningOf(response);
    const verdict = verdictOn(httpStatus);
    return verdict === "accepted"
      ? { verdict, httpStatus }
      : {
          verdict,
          httpStatus,
          problem: `${name} answered ${httpStatus}: ${excerpt}`,
        };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      verdict: "retry",
      problem: controller.signal.aborted
        ? `${name} did not answer within ${timeoutMs} ms`
        : `${name} could not be reached: ${reason}`,
    };
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
