/**
 * What people ask and do about works afterwards: lists, another try, oblivion. Called seldom,
 * so it is not in `lib.ts`, all of which is evaluated with every enqueue.
 */
import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import type { MutationCtx } from "./_generated/server.js";
import { createLogger, type Logger } from "./logging.js";
import { workCounts } from "./observe/counts.js";
import { listWorks } from "./observe/list.js";
import {
  checkList,
  vListFilter,
  vPaginationOpts,
  vWorkCounts,
  vWorkPage,
} from "./observe/workList.js";
import { effectiveConfig } from "./queue/configRow.js";
import { checkFailError, checkResult } from "./validate.js";
import { checkRunAt } from "./validateTime.js";
import { CallbackRetrier } from "./work/callbackRetry.js";
import {
  cancelPage,
  DEFAULT_CANCEL_LIMIT,
  everythingSoFar,
} from "./work/cancel.js";
import { conclude, vConcludeAnswer } from "./work/conclude.js";
import {
  checkFilter,
  checkRetryOptions,
  vDone,
  vFilter,
  vOperation,
  vRetryOptions,
} from "./work/filter.js";
import { Forgetter } from "./work/forget.js";
import { handleOne } from "./work/oneOutcome.js";
import { startOperation } from "./work/operation.js";
import { Rounds } from "./work/retry.js";
import { stopRetries } from "./work/stopRetries.js";
import { updateOne, vUpdateAnswer } from "./work/update.js";

/** A page of works, newest first. */
export const list = query({
  args: { ...vListFilter.fields, paginationOpts: vPaginationOpts },
  returns: vWorkPage,
  handler: async (ctx, { paginationOpts, ...filter }) => {
    checkList(filter, paginationOpts);
    return await listWorks(ctx, filter, paginationOpts);
  },
});

/** How many works are in which state. */
export const counts = query({
  args: {},
  returns: vWorkCounts,
  handler: async (ctx) => await workCounts(ctx),
});

/** Cancels works that have not ended, latest first, and stops retries by filter that go on. */
export const cancelMany = mutation({
  args: { filter: vFilter },
  returns: vDone,
  handler: async (ctx, { filter }) => {
    checkFilter("cancelMany", filter);
    const { fnName, tag, before, after } = filter;
    const console = await loggerOf(ctx);
    const hasStopped = await stopRetries(ctx, filter);
    // Whoever enqueues meanwhile does not conflict with it, however late `before` is.
    const latest = everythingSoFar(Date.now());
    const from =
      before === undefined ? latest : Math.min(latest, justBefore(before));
    const page = await cancelPage(
      ctx,
      console,
      {
        from: { creationTime: from },
        limit: DEFAULT_CANCEL_LIMIT,
        ...(fnName === undefined ? {} : { fnName }),
        ...(tag === undefined ? {} : { tag }),
        ...(after === undefined ? {} : { after }),
      },
      hasStopped,
    );
    return { ...page, skipped: 0 };
  },
});

/** Starts another round of a work that has failed. */
export const retry = mutation({
  args: { id: v.string(), ...vRetryOptions.fields },
  returns: vDone,
  handler: async (ctx, { id, ...options }) => {
    checkRetryOptions(options);
    const rounds = new Rounds(ctx, await loggerOf(ctx), options);
    return await handleOne(ctx, id, rounds);
  },
});

/** Starts another round of all works that have failed and that the filter finds. */
export const retryMany = mutation({
  args: { filter: vFilter, ...vRetryOptions.fields },
  returns: vDone,
  handler: async (ctx, { filter, ...options }) => {
    checkFilter("retry", filter);
    checkRetryOptions(options);
    return await startOperation(ctx, await loggerOf(ctx), {
      kind: "retry",
      filter,
      retry: options,
    });
  },
});

/** Has the callback of a work tried at once that is owed or was given up. */
export const retryCallback = mutation({
  args: { id: v.string() },
  returns: vDone,
  handler: async (ctx, { id }) =>
    await handleOne(ctx, id, new CallbackRetrier(ctx, Date.now())),
});

export const retryCallbacks = mutation({
  args: { filter: vFilter },
  returns: vDone,
  handler: async (ctx, { filter }) => {
    checkFilter("retryCallbacks", filter);
    return await startOperation(ctx, await loggerOf(ctx), {
      kind: "retryCallbacks",
      filter,
    });
  },
});

/** Removes the outcome of a work, and all that is kept with it. */
export const forget = mutation({
  args: { id: v.string() },
  returns: vDone,
  handler: async (ctx, { id }) => await handleOne(ctx, id, new Forgetter(ctx)),
});

export const forgetMany = mutation({
  args: { filter: vFilter },
  returns: vDone,
  handler: async (ctx, { filter }) => {
    checkFilter("forget", filter);
    return await startOperation(ctx, await loggerOf(ctx), {
      kind: "forget",
      filter,
    });
  },
});

/** Changes when a waiting work is due. */
export const update = mutation({
  args: { id: v.string(), runAt: v.number() },
  returns: vUpdateAnswer,
  handler: async (ctx, { id, runAt }) => {
    checkRunAt(runAt, Date.now());
    return await updateOne(ctx, id, runAt);
  },
});

/** Ends a work from outside as a success. */
export const complete = mutation({
  args: { id: v.string(), result: v.any() },
  returns: vConcludeAnswer,
  handler: async (ctx, { id, result }) => {
    checkResult(result);
    const success = { kind: "success" as const, returnValue: result };
    return await conclude(ctx, await loggerOf(ctx), id, success);
  },
});

/** Ends a work from outside as failed. */
export const fail = mutation({
  args: { id: v.string(), error: v.string() },
  returns: vConcludeAnswer,
  handler: async (ctx, { id, error }) => {
    checkFailError(error);
    const failure = { kind: "failed" as const, error };
    return await conclude(ctx, await loggerOf(ctx), id, failure);
  },
});

/** What goes on of calls by filter: at most 100 of them. */
export const operations = query({
  args: {},
  returns: v.array(
    v.object({
      ...vOperation.fields,
      startedAt: v.number(),
      matched: v.number(),
      skipped: v.number(),
    }),
  ),
  handler: async (ctx) => {
    const rows = await ctx.db.query("operation").take(100);
    return rows.map(
      ({ _id, _creationTime, position: _, scheduledId: __, ...operation }) =>
        operation,
    );
  },
});

async function loggerOf(ctx: MutationCtx): Promise<Logger> {
  const { logLevel } = await effectiveConfig(ctx);
  return createLogger(logLevel);
}

/** Pages begin inclusive of a time; filters end exclusive of it. */
function justBefore(time: number): number {
  return time - 2 ** -12;
}
