/**
 * Mutations and queries run exactly once to their outcome: this mutation checks
 * the fence, runs the user's function in a nested transaction and records the
 * outcome, all in one transaction. It touches the work's own rows only, never
 * one that its siblings touch, so works do not conflict with each other. Only one that
 * asks to be tried again later (`RateLimitedError`, `Snooze`) goes back to the queue, and wakes the loop.
 */
import { v } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "../_generated/server.js";
import { effectiveConfig } from "../queue/configRow.js";
import { wakeFromReport } from "../queue/wake.js";
import { formatError, UserCodeError } from "../work/errorText.js";
import { runUserMutation, runUserQuery } from "../work/invoke.js";
import { createLogger } from "../logging.js";
import { withLate } from "../work/late.js";
import { loadValue } from "../work/payload.js";
import type { AttemptEnd } from "../work/settle.js";
import { Settler } from "../work/settler.js";
import { tooLateAt } from "../queue/startBy.js";
import { liveWork } from "../work/live.js";

export const run = internalMutation({
  args: {
    workId: v.id("work"),
    fence: v.number(),
    inlineCallback: v.boolean(),
  },
  returns: v.union(
    v.literal("success"),
    v.literal("failed"),
    v.literal("canceled"),
    v.literal("superseded"),
    /** It asked to be tried again later, and waits. */
    v.literal("postponed"),
  ),
  handler: async (ctx, { workId, fence, inlineCallback }) => {
    const startedAt = Date.now();
    const work = await liveWork(ctx, workId);
    if (!work || (work.fence ?? 0) !== fence || work.fnType === "action") {
      return "superseded" as const;
    }
    const { logLevel } = await effectiveConfig(ctx);
    const console = createLogger(logLevel);
    const settler = new Settler(ctx, console, {
      inlineCallbacks: inlineCallback,
    });
    if (work.canceled || tooLateAt(work, startedAt)) {
      return (await settler.settle(work, { kind: "returned" }))!;
    }
    const end = await attempt(ctx, work);
    // One that is unique may have asked for one more run of itself.
    const after =
      work.uniqueKey === undefined ? work : await liveWork(ctx, workId);
    const endedAs = await settler.settle(after ?? work, end, startedAt);
    if (endedAs !== null) return endedAs;
    const dueAt = await settler.putBack(startedAt);
    await wakeFromReport(ctx, false, dueAt, null);
    return "postponed" as const;
  },
});

/** It throws the same again, whatever is tried: conflicts and overload never come here. */
async function attempt(
  ctx: MutationCtx,
  work: Doc<"work">,
): Promise<AttemptEnd> {
  const { _id, fnType, fnHandle, fnName } = work;
  try {
    const fnArgs = await loadValue(ctx, {
      value: work.fnArgs,
      payloadId: work.argsId,
    });
    const call = {
      fnHandle,
      fnName,
      fnArgs: work.late ? withLate(work, work.late, fnArgs) : fnArgs,
    };
    const returnValue =
      fnType === "mutation"
        ? await runUserMutation(ctx, call)
        : await runUserQuery(ctx, _id, call);
    return { kind: "success", returnValue };
  } catch (error) {
    const { postponement, errorData } =
      error instanceof UserCodeError ? error : {};
    if (postponement) return { kind: "postponed", ...postponement };
    const text = formatError(error);
    return { kind: "failed", error: text, retryable: false, errorData };
  }
}
