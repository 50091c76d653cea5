/**
 * What people write when they have no pool: a row for each job, the scheduler,
 * and a mutation that records how it ended. Nothing limits how many run at once.
 */
import { v } from "convex/values";
import type { GenericDatabaseReader } from "convex/server";
import {
  internal,
  internalAction,
  internalMutation,
  type MutationCtx,
} from "./functions.js";
import { vActionArgs, vTimes } from "./jobs.js";
import {
  type ActionArgs,
  actTimed,
  countOutcome,
  recordOutcome,
  recordTimes,
  type Times,
  write,
} from "./work.js";

const MAX_ATTEMPTS = 12;
const CANCEL_PAGE = 500;

export async function enqueue(
  ctx: MutationCtx,
  job: "action" | "mutation",
  jobs: ActionArgs[],
  options: {
    delays: number[] | undefined;
    retry: boolean;
    callback: string | undefined;
    /** Costs another write for each job. */
    cancelable: boolean;
  },
): Promise<string[]> {
  const ids: string[] = [];
  for (const [index, args] of jobs.entries()) {
    const row = await ctx.db.insert("handJobs", {
      job: args.id,
      attempt: 0,
      retry: options.retry,
      ...(options.callback === undefined ? {} : { callback: options.callback }),
      ...(options.callback === "timed" ? { enqueued: Date.now() } : {}),
      state: "pending",
    });
    const scheduledId = await ctx.scheduler.runAfter(
      options.delays?.[index] ?? 0,
      internal.byHand![job] as any,
      { row, ...args },
    );
    if (options.cancelable) await ctx.db.patch(row, { scheduledId });
    ids.push(row);
  }
  return ids;
}

export const action = internalAction({
  args: { row: v.id("handJobs"), ...vActionArgs.fields },
  returns: v.null(),
  handler: async (ctx, { row, ...args }) => {
    let error: string | undefined;
    let times: Times | undefined;
    try {
      times = await actTimed(args);
    } catch (thrown) {
      error = (thrown as Error).message;
    }
    await ctx.runMutation(internal.byHand!.complete as any, {
      row,
      args,
      ...(times === undefined ? {} : { times }),
      ...(error === undefined ? {} : { error }),
    });
    return null;
  },
});

export const mutation = internalMutation({
  args: { row: v.id("handJobs"), id: v.number() },
  returns: v.null(),
  handler: async (ctx, { row, id }) => {
    await write(ctx, id);
    await ctx.db.patch(row, { state: "success" });
    return null;
  },
});

export const complete = internalMutation({
  args: {
    row: v.id("handJobs"),
    args: vActionArgs,
    times: v.optional(vTimes),
    error: v.optional(v.string()),
  },
  returns: v.null(),
  handler: async (ctx, { row, args, times, error }) => {
    const job = (await ctx.db.get(row))!;
    if (error !== undefined && job.retry && job.attempt + 1 < MAX_ATTEMPTS) {
      await ctx.db.patch(row, { attempt: job.attempt + 1 });
      await ctx.scheduler.runAfter(
        100 * 2 ** job.attempt,
        internal.byHand!.action as any,
        { row, ...args },
      );
      return null;
    }
    const state = error === undefined ? "success" : "failed";
    await ctx.db.patch(row, {
      state,
      ...(error === undefined ? {} : { error }),
    });
    if (job.callback === "recorded") await recordOutcome(ctx, row, state);
    if (job.callback === "counted") await countOutcome(ctx);
    if (job.callback === "timed") {
      await recordTimes(ctx, job.enqueued!, times!);
    }
    return null;
  },
});

/** Cancels a page of what has not ended, and schedules the next. */
export async function cancelPage(ctx: MutationCtx): Promise<void> {
  const page = await ctx.db
    .query("handJobs")
    .withIndex("by_state", (q) => q.eq("state", "pending"))
    .take(CANCEL_PAGE);
  for (const { _id, scheduledId } of page) {
    await ctx.scheduler.cancel(scheduledId!);
    await ctx.db.patch(_id, { state: "canceled" });
  }
  if (page.length === CANCEL_PAGE) {
    await ctx.scheduler.runAfter(0, internal.byHand!.cancelMore as any, {});
  }
}

export const cancelMore = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    await cancelPage(ctx);
    return null;
  },
});

export async function status(
  ctx: { db: GenericDatabaseReader<any> },
  id: string,
): Promise<string> {
  const job = await ctx.db.get(id as any);
  return (job as { state: string } | null)?.state ?? "gone";
}
