/**
 * User code inside one of our transactions. It runs in nested transactions of
 * its own, so that what it wrote is gone when it fails while our writes stay:
 *
 *     our mutation → invoke → the user's function
 *
 * The middle level is needed because Convex checks a nested mutation's return
 * value after that mutation's writes were merged into its caller's: a wrong
 * value is raised inside `invoke`, which fails with it and so rolls it back.
 */
import type { FunctionHandle } from "convex/server";
import { v, type Value } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation, type MutationCtx } from "./_generated/server.js";
import { getNonRetryableErrorMessage } from "./errors.js";
import { isDeeperThan, MAX_NESTING, storedSize } from "./nesting.js";
import { MAX_VALUE_BYTES } from "./shared.js";

/**
 * What user code may use of a transaction. The rest, a tenth or so, is kept for
 * recording what happened: an exhausted limit stays exhausted.
 */
const USER_LIMITS = {
  bytesRead: 14 * 1024 * 1024,
  bytesWritten: 13 * 1024 * 1024,
  databaseQueries: 3500,
  documentsRead: 28_000,
  documentsWritten: 14_000,
  functionsScheduled: 900,
};

export const invoke = internalMutation({
  args: {
    fnType: v.union(v.literal("mutation"), v.literal("query")),
    fnHandle: v.string(),
    fnName: v.string(),
    fnArgs: v.any(),
  },
  returns: v.any(),
  handler: async (ctx, { fnType, fnHandle, fnName, fnArgs }) => {
    // A query sees the transaction's begin snapshot and leaves no read
    // dependencies: what others write meanwhile cannot make it run again.
    const returnValue: Value =
      fnType === "mutation"
        ? await ctx.runMutation(fnHandle as FunctionHandle<"mutation">, fnArgs)
        : await ctx.runQuery(fnHandle as FunctionHandle<"query">, fnArgs, {
            useStaleSnapshot: true,
          });
    // Checked here, so that a mutation whose result cannot be kept leaves nothing behind.
    assertStorable(fnName, returnValue);
    return returnValue;
  },
});

/** Throws what the user's function throws. Its writes are then undone, the caller's are not. */
export async function invokeUserFunction(
  ctx: MutationCtx,
  call: {
    fnType: "mutation" | "query";
    fnHandle: string;
    fnName: string;
    fnArgs: unknown;
  },
): Promise<unknown> {
  return await ctx.runMutation(internal.invoke.invoke, call, {
    transactionLimits: USER_LIMITS,
  });
}

/** @throws naming the function, what is wrong and the limit. */
export function assertStorable(fnName: string, returnValue: unknown): void {
  if (isDeeperThan(returnValue, MAX_NESTING)) {
    throw new Error(
      `The result of ${fnName} is nested too deeply (limit: ${MAX_NESTING} levels)`,
    );
  }
  const size = storedSize(returnValue);
  if (size > MAX_VALUE_BYTES) {
    throw new Error(
      `The result of ${fnName} is too large: ${size} bytes (limit: ${MAX_VALUE_BYTES} bytes)`,
    );
  }
}

/**
 * The text an outcome carries for what a function threw. Bounded, and without half a
 * surrogate pair: it is stored and passed to callbacks, and Convex stores valid Unicode
 * only. An outcome that cannot be written would be lost.
 */
export function formatError(error: unknown): string {
  const text =
    getNonRetryableErrorMessage(error) ??
    (error instanceof Error ? error.message : String(error));
  const rest = text.length - MAX_ERROR_LENGTH;
  return (
    rest > 0
      ? `${text.slice(0, MAX_ERROR_LENGTH)}… (${rest} more characters)`
      : text
  ).replace(UNPAIRED_SURROGATES, "\ufffd");
}

const UNPAIRED_SURROGATES = /\p{Surrogate}/gu;
const MAX_ERROR_LENGTH = 10_000;
