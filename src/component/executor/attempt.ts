/**
 * One attempt, as an executor makes it: call the user's function, never throw,
 * say how it ended.
 */
import type { FunctionHandle } from "convex/server";
import { getConvexSize, type Value } from "convex/values";
import { internal } from "../_generated/api.js";
import type { ActionCtx } from "../_generated/server.js";
import { cappedBackoffMs } from "../backoff.js";
import { isNonRetryableError, postponementOf } from "../errors.js";
import { keptDataOf } from "../work/errorData.js";
import { formatError } from "../work/errorText.js";
import { assertStorable } from "../work/invoke.js";
import { isPassing, isUnknown, wasNotStarted } from "../platformTexts.js";
import { SECOND } from "../shared.js";
import { argsOf } from "../work/late.js";
import { rethrowWrongType } from "../work/wrongType.js";
import type { ExecutorLog } from "./log.js";
import type { Attempt } from "../loop/attempt.js";
import type { AttemptResult } from "./protocol.js";
import { sleep } from "./sleep.js";

/** How often a transaction is tried at errors that do not pass by themselves, as far as is known, before the last is its outcome. */
const LASTING_ERROR_TRIES = 3;

type Outcome = AttemptResult["outcome"];

/** What becomes of the permit that a call takes: see `permits.ts`. */
export type Permit = {
  /** The platform had none for a call that began at `beganAt`. */
  refused: (beganAt: number) => void;
  /** Lets time pass in which the attempt takes none. */
  withoutIt: (ms: number) => Promise<void>;
};

export async function runAttempt(
  ctx: ActionCtx,
  attempt: Attempt,
  deadline: number,
  log: ExecutorLog,
  permit: Permit,
): Promise<AttemptResult> {
  const startedAt = Date.now();
  const outcome =
    attempt.fnType === "action"
      ? await runAction(ctx, attempt, permit)
      : await runTransaction(ctx, attempt, deadline, log, permit);
  const { position, workId, fence } = attempt;
  return { position, workId, fence, startedAt, outcome };
}

async function runAction(
  ctx: ActionCtx,
  attempt: Attempt,
  permit: Permit,
): Promise<Outcome> {
  const beganAt = Date.now();
  let returnValue: unknown;
  try {
    returnValue = await ctx
      .runAction(
        attempt.fnHandle as FunctionHandle<"action">,
        argsOf(attempt, beganAt) as Record<string, Value>,
      )
      .catch(rethrowWrongType);
  } catch (error) {
    const text = formatError(error, attempt.fnName);
    if (wasNotStarted(error)) {
      permit.refused(beganAt);
      return { kind: "notStarted", error: text };
    }
    const postponement = postponementOf(error);
    if (postponement) return { kind: "postponed", ...postponement };
    // A function that is missing is retried like any that throws: the next deploy may
    // bring it back. The report that brings the result logs it.
    const retryable = !isNonRetryableError(error);
    const errorData = keptDataOf(error);
    return {
      kind: "failed",
      error: text,
      retryable,
      ...(errorData === undefined ? {} : { errorData }),
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
 *
 * Between two tries it takes no permit: a few works that conflict for long would hold up all others. After a
 * refusal it keeps its place, since others would be refused as well.
 */
async function runTransaction(
  ctx: ActionCtx,
  attempt: Attempt,
  deadline: number,
  log: ExecutorLog,
  permit: Permit,
): Promise<Outcome> {
  let lastingErrors = 0;
  for (let tries = 1; ; tries++) {
    const beganAt = Date.now();
    try {
      const result = await ctx.runMutation(internal.executor.transaction.run, {
        workId: attempt.workId,
        fence: attempt.fence,
        // Its callback may be what conflicts, or exhausts a limit.
        inlineCallback: tries === 1,
      });
      return { kind: "recorded", result };
    } catch (error) {
      const refused = wasNotStarted(error);
      if (refused) permit.refused(beganAt);
      if (isUnknown(error)) log.unknownError(attempt, error);
      if (!isPassing(error)) lastingErrors += 1;
      if (lastingErrors >= LASTING_ERROR_TRIES) {
        return { kind: "failed", error: formatError(error), retryable: false };
      }
      const wait = cappedBackoffMs(100, 10 * SECOND, tries, Math.random());
      if (Date.now() + wait > deadline) {
        return { kind: "notStarted", error: formatError(error) };
      }
      await (refused ? sleep(wait) : permit.withoutIt(wait));
    }
  }
}

/** Bytes a result takes in a report. */
export function resultBytes({ outcome }: AttemptResult): number {
  switch (outcome.kind) {
    case "success":
      return getConvexSize(outcome.returnValue as Value) + RESULT_OVERHEAD;
    case "failed":
      return (
        outcome.error.length * 4 +
        getConvexSize(outcome.errorData as Value | undefined) +
        RESULT_OVERHEAD
      );
    case "notStarted":
      return outcome.error.length * 4 + RESULT_OVERHEAD;
    case "over":
    case "postponed":
    case "recorded":
    case "returned":
      return RESULT_OVERHEAD;
  }
}
const RESULT_OVERHEAD = 200;
