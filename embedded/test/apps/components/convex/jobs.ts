import { vOnCompleteArgs, Workpool } from "@convex-dev/workpool";
import {
  anyApi,
  componentsGeneric,
  internalActionGeneric,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";

const components = componentsGeneric() as any;
const pool = new Workpool(components.workpool, {
  maxParallelism: 3,
  retryActionsByDefault: false,
});
const jobs = anyApi.jobs as any;

export const work = internalActionGeneric({
  args: { job: v.number() },
  handler: async (_ctx, { job }) => {
    if (job % 5 === 4) throw new Error(`job ${job} does not like to work`);
    return job * job;
  },
});

export const enqueue = mutationGeneric({
  args: { count: v.number() },
  handler: async (ctx, { count }) => {
    for (let job = 0; job < count; job++) {
      await pool.enqueueAction(
        ctx as any,
        jobs.work,
        { job },
        { onComplete: jobs.done, context: { job } },
      );
    }
    return null;
  },
});

export const done = internalMutationGeneric({
  args: vOnCompleteArgs(v.object({ job: v.number() })),
  handler: async (ctx, { context, result }) => {
    await ctx.db.insert("outcomes", {
      job: context.job,
      kind: result.kind,
      value:
        result.kind === "success"
          ? result.returnValue
          : result.kind === "failed"
            ? result.error
            : null,
    });
  },
});

export const outcomes = queryGeneric({
  args: {},
  handler: async (ctx) =>
    (await ctx.db.query("outcomes").collect()).map(({ job, kind, value }) => ({
      job: job as number,
      kind: kind as string,
      value: value as unknown,
    })),
});
