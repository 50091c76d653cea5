/**
 * One attempt, as an executor makes it: call the user's function, never throw,
 * say how it ended.
 */
import type { FunctionHandle } from "convex/server";
import { getConvexSize, type Value } from "convex/values";
import { internal } from "../_generated/api.js";
import type { ActionCtx } from "../_generated/server.js";
import { cappedBackoffMs } from "../backoff.js";
import { isNonRetryableError } from "../errors.js";
import { assertStorable, formatError } from "../invoke.js";
import { SECOND } from "../shared.js";
import { rethrowWrongType } from "../wrongType.js";
import type { Attempt, AttemptResult } from "./protocol.js";
import { sleep } from "./sleep.js";

/** How often a transaction is tried again after an error nobody knows, before that error is its outcome. */
const UNKNOWN_ERROR_TRIES = 3;

type Outcome = AttemptResult["outcome"];

export async function runAttempt(
  ctx: ActionCtx,
  attempt: Attempt,
  deadline: number,
): Promise<AttemptResult> {
  const startedAt = Date.now();
  const outcome =
    attempt.fnType === "action"
      ? await runAction(ctx, attempt)
      : await runTransaction(ctx, attempt, deadline);
  const { position, workId, fence } = attempt;
  return { position, workId, fence, startedAt, outcome };
}

async function runAction(ctx: ActionCtx, attempt: Attempt): Promise<Outcome> {
  let returnValue: unknown;
  try {
    returnValue = await ctx
      .runAction(
        attempt.fnHandle as FunctionHandle<"action">,
        attempt.fnArgs as Record<string, Value>,
      )
      .catch(rethrowWrongType);
  } catch (error) {
    if (wasNotStarted(error)) {
      return { kind: "notStarted", error: formatError(error) };
    }
    console.error(
      `[executor] ${attempt.fnName} (work ${attempt.workId}) failed: ${formatError(error)}`,
    );
    return {
      kind: "failed",
      error: formatError(error),
      retryable: !isNonRetryableError(error),
    };
  }
  try {
    assertStorable(attempt.fnName, returnValue);
  } catch (error) {
    // It would be as large the next time, and what it did is done.
    return { kind: "failed", error: formatError(error), retryable: false };
  }
  return { kind: "success", returnValue: returnValue ?? null };
}

/**
 * A mutation or query records its own outcome. What is thrown here is never the
 * user's error but the platform's: a conflict or overload passes, so it is tried
 * again for as long as there is time; anything else is, after a few tries, the
 * outcome. A try whose answer was lost is harmless: the fence is gone with it.
 */
async function runTransaction(
  ctx: ActionCtx,
  attempt: Attempt,
  deadline: number,
): Promise<Outcome> {
  let unknownErrors = 0;
  for (let tries = 1; ; tries++) {
    try {
      const result = await ctx.runMutation(internal.executor.transaction.run, {
        workId: attempt.workId,
        fence: attempt.fence,
        // Its callback may be what conflicts, or exhausts a limit.
        inlineCallback: tries === 1,
      });
      return { kind: "recorded", result };
    } catch (error) {
      const passing = isPassing(error);
      if (!passing) unknownErrors += 1;
      if (unknownErrors >= UNKNOWN_ERROR_TRIES) {
        return { kind: "failed", error: formatError(error), retryable: false };
      }
      const wait = cappedBackoffMs(100, 10 * SECOND, tries, Math.random());
      if (Date.now() + wait > deadline) {
        return { kind: "notStarted", error: formatError(error) };
      }
      await sleep(wait);
    }
  }
}

/** The platform had no room to start the function. Its own errors arrive as "Uncaught …". */
export function wasNotStarted(error: unknown): boolean {
  const message = messageOf(error);
  return (
    !message.startsWith("Uncaught ") &&
    /TooManyConcurrentRequests|Too many concurrent requests/.test(message)
  );
}

/** Conflicts, overload and hiccups of the platform: the same call may well succeed later. */
export function isPassing(error: unknown): boolean {
  return /changed while this mutation was being run|OptimisticConcurrencyControlFailure|TooManyConcurrentRequests|Too many concurrent requests|TooManyWrites|Too many writes|InternalServerError|couldn't be completed|Your request timed out|temporarily unavailable/i.test(
    messageOf(error),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Bytes a result takes in a report. */
export function resultBytes({ outcome }: AttemptResult): number {
  switch (outcome.kind) {
    case "success":
      return getConvexSize(outcome.returnValue as Value) + RESULT_OVERHEAD;
    case "failed":
    case "notStarted":
      return outcome.error.length * 4 + RESULT_OVERHEAD;
    case "recorded":
    case "returned":
      return RESULT_OVERHEAD;
  }
}
const RESULT_OVERHEAD = 200;
