/**
 * Mutations and queries run exactly once to their outcome: this mutation checks
 * the fence, runs the user's function in a nested transaction and records the
 * outcome, all in one transaction. It touches the work's own rows only, never
 * one that its siblings touch, so works do not conflict with each other.
 */
import { v } from "convex/values";
import { internalMutation } from "../_generated/server.js";
import { effectiveConfig } from "../config.js";
import { formatError } from "../errorText.js";
import { runUserMutation, runUserQuery } from "../invoke.js";
import { createLogger } from "../logging.js";
import { endWork } from "../outcome.js";
import { loadValue } from "../payload.js";
import type { RunResult } from "../shared.js";

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
  ),
  handler: async (ctx, { workId, fence, inlineCallback }) => {
    const startedAt = Date.now();
    const work = await ctx.db.get("work", workId);
    if (!work || (work.fence ?? 0) !== fence || work.fnType === "action") {
      return "superseded" as const;
    }
    const { logLevel } = await effectiveConfig(ctx);
    const console = createLogger(logLevel);
    let result: RunResult;
    if (work.canceled) {
      result = { kind: "canceled" };
    } else {
      work.attempts = (work.attempts ?? 0) + 1;
      try {
        const { fnHandle, fnName } = work;
        const fnArgs = await loadValue(ctx, {
          value: work.fnArgs,
          payloadId: work.argsId,
        });
        const call = { fnHandle, fnName, fnArgs };
        const returnValue =
          work.fnType === "mutation"
            ? await runUserMutation(ctx, call)
            : await runUserQuery(ctx, workId, call);
        result = { kind: "success", returnValue };
      } catch (error) {
        work.lastError = formatError(error);
        console.error(
          `[transaction] ${work.fnName} (work ${work._id}) failed: ${work.lastError.trim()}`,
        );
        result = { kind: "failed", error: work.lastError };
      }
    }
    await endWork(ctx, console, work, result, { startedAt, inlineCallback });
    return result.kind;
  },
});
