/**
 * User code inside one of our transactions. A mutation runs in nested transactions
 * of its own, so that what it wrote is gone when it fails while our writes stay:
 *
 *     our mutation → invoke → the user's function
 *
 * The middle level is needed because Convex checks a nested mutation's return
 * value after that mutation's writes were merged into its caller's: a wrong
 * value is raised inside `invoke`, which fails with it and so rolls it back.
 */
import type { FunctionHandle } from "convex/server";
import { v, type Value } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Id } from "../_generated/dataModel.js";
import {
  internalMutation,
  internalQuery,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server.js";
import { userShare } from "./userShare.js";
import { passOn, received } from "./errorText.js";
import { isDeeperThan, MAX_NESTING, storedSize } from "../nesting.js";
import { MAX_VALUE_BYTES } from "../shared.js";
import { rethrowWrongType } from "./wrongType.js";

/** A function of the app's. `fnName` is for its users to recognize it. */
type Call = { fnHandle: string; fnName: string; fnArgs: unknown };

export const invoke = internalMutation({
  args: { fnHandle: v.string(), fnName: v.string(), fnArgs: v.any() },
  returns: v.any(),
  handler: async (ctx, { fnHandle, fnName, fnArgs }) => {
    try {
      const returnValue: Value = await ctx
        .runMutation(fnHandle as FunctionHandle<"mutation">, fnArgs)
        .catch(rethrowWrongType);
      // Checked here, so that a mutation whose result cannot be kept leaves nothing behind.
      assertStorable(fnName, returnValue);
      return returnValue;
    } catch (error) {
      throw passOn(error, fnName);
    }
  },
});

/** Throws what the user's mutation throws. Its writes are then undone, the caller's are not. */
export async function runUserMutation(
  ctx: MutationCtx,
  { fnHandle, fnName, fnArgs }: Call,
): Promise<unknown> {
  const options = { transactionLimits: await userShare(ctx) };
  try {
    return await ctx.runMutation(
      internal.work.invoke.invoke,
      { fnHandle, fnName, fnArgs },
      options,
    );
  } catch (error) {
    throw received(error);
  }
}

/** The user's query in a stale snapshot. Null: that is older than `workId`. */
export const read = internalQuery({
  args: {
    workId: v.id("work"),
    fnHandle: v.string(),
    fnName: v.string(),
    fnArgs: v.any(),
  },
  returns: v.union(v.null(), v.object({ returnValue: v.any() })),
  handler: async (
    ctx,
    { workId, ...call },
  ): Promise<{ returnValue: Value } | null> => {
    if ((await ctx.db.get("work", workId)) === null) return null;
    return { returnValue: await callQuery(ctx, call) };
  },
});

/**
 * Throws what the user's query throws. It sees everything that was committed before
 * its work, and leaves no read dependencies: what others write meanwhile cannot make
 * it run again. A platform may choose a snapshot so old that the work is not in it;
 * then the query runs in the transaction itself, dependencies and all.
 */
export async function runUserQuery(
  ctx: MutationCtx,
  workId: Id<"work">,
  call: Call,
): Promise<unknown> {
  const options = { transactionLimits: await userShare(ctx) };
  try {
    const stale: { returnValue: Value } | null = await ctx.runQuery(
      internal.work.invoke.read,
      { workId, ...call },
      { ...options, useStaleSnapshot: true },
    );
    const returnValue = stale
      ? stale.returnValue
      : await callQuery(ctx, call, options);
    assertStorable(call.fnName, returnValue);
    return returnValue;
  } catch (error) {
    throw received(error);
  }
}

async function callQuery(
  ctx: QueryCtx,
  { fnHandle, fnName, fnArgs }: Call,
  options: Parameters<QueryCtx["runQuery"]>[2] = {},
): Promise<Value> {
  try {
    return await ctx
      .runQuery(
        fnHandle as FunctionHandle<"query">,
        fnArgs as Record<string, Value>,
        options,
      )
      .catch(rethrowWrongType);
  } catch (error) {
    throw passOn(error, fnName);
  }
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
