/** Works that enqueue further works, from their handler or from their callback. */
import { v } from "convex/values";
import {
  internal,
  internalAction,
  internalMutation,
  mutation,
  type MutationCtx,
} from "./functions.js";
import { vActionArgs, vOutcome } from "./jobs.js";
import { component, vComponentTarget } from "./target.js";

const vBatch = v.object({ ...vComponentTarget, jobs: v.array(vActionArgs) });

async function enqueueBatch(
  ctx: MutationCtx,
  { pool, parallelism, jobs }: typeof vBatch.type,
): Promise<void> {
  await component(pool, parallelism).enqueueActionBatch(
    ctx,
    internal.jobs!.action as any,
    jobs,
  );
}

/** Enqueues works, each of which enqueues `jobs` of its own. */
export const start = mutation({
  args: {
    ...vComponentTarget,
    from: v.union(v.literal("handler"), v.literal("callback")),
    works: v.array(v.object({ id: v.number(), jobs: v.array(vActionArgs) })),
  },
  returns: v.null(),
  handler: async (ctx, { pool, parallelism, from, works }) => {
    const workpool = component(pool, parallelism);
    for (const { id, jobs } of works) {
      const batch = { pool, parallelism, jobs };
      if (from === "handler") {
        const handler = internal.fan!.handler as any;
        await workpool.enqueueAction(ctx, handler, { id, batch });
      } else {
        const action = internal.jobs!.action as any;
        const onComplete = internal.fan!.callback as any;
        const options = { onComplete, context: batch };
        await workpool.enqueueAction(ctx, action, { id }, options);
      }
    }
    return null;
  },
});

export const handler = internalAction({
  args: { id: v.number(), batch: vBatch },
  returns: v.null(),
  handler: async (ctx, { batch }) => {
    await ctx.runMutation(internal.fan!.enqueueForHandler as any, batch);
    return null;
  },
});

export const enqueueForHandler = internalMutation({
  args: vBatch,
  returns: v.null(),
  handler: async (ctx, batch) => {
    await enqueueBatch(ctx, batch);
    return null;
  },
});

export const callback = internalMutation({
  args: vOutcome,
  returns: v.null(),
  handler: async (ctx, { context }) => {
    await enqueueBatch(ctx, context);
    return null;
  },
});
