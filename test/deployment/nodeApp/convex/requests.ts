/** Actions of Node as works. */
import {
  anyApi,
  componentsGeneric,
  internalMutationGeneric,
  mutationGeneric,
} from "convex/server";
import { v } from "convex/values";
import { vOnCompleteArgs, Workpool } from "../../../../src/client/index.js";

export const enqueue = mutationGeneric({
  args: { keys: v.array(v.string()), ms: v.number() },
  handler: async (ctx, { keys, ms }) => {
    const { workpool } = componentsGeneric() as any;
    const pool = new Workpool(workpool, { maxParallelism: 20 });
    for (const key of keys) {
      await pool.enqueueAction(
        ctx,
        anyApi.jobs!.act as any,
        { key, ms },
        {
          onComplete: anyApi.requests!.record as any,
          context: { key },
        },
      );
    }
  },
});

export const record = internalMutationGeneric({
  args: vOnCompleteArgs(v.object({ key: v.string() })),
  handler: async (ctx, { context, result }) => {
    await ctx.db.insert("outcomes", { key: context.key, result });
  },
});
