/** What the clients of a history of the profile `corners` call. */
import {
  actionGeneric,
  anyApi,
  componentsGeneric,
  internalMutationGeneric,
  mutationGeneric,
} from "convex/server";
import { v } from "convex/values";
import { vOnCompleteArgs } from "../../../src/client/index.js";
import { childrenFrom, vSpec } from "./specs.js";
import { enqueueBatches, enqueueSpecs } from "./specSubmissions.js";
import { count, type MutationCtx } from "./tallies.js";
import { poolNamed, vPoolName } from "./works.js";

export const submit = mutationGeneric({
  args: { specs: v.array(vSpec), together: v.boolean() },
  handler: async (ctx: MutationCtx, { specs, together }) => {
    if (together) await enqueueBatches(ctx, specs);
    else await enqueueSpecs(ctx, specs);
  },
});

/** Those that are not yet enqueued. */
export const submitOnce = internalMutationGeneric({
  args: { specs: v.array(vSpec) },
  handler: async (ctx: MutationCtx, { specs }) => {
    const isNew = await Promise.all(
      specs.map(async ({ key }) => {
        const found = await ctx.db
          .query("enqueued")
          .withIndex("by_key", (q) => q.eq("key", key))
          .first();
        return found === null;
      }),
    );
    await enqueueSpecs(
      ctx,
      specs.filter((_, index) => isNew[index]),
    );
  },
});

/** What runs when a work has ended. */
export const done = internalMutationGeneric({
  args: vOnCompleteArgs(v.object({ spec: vSpec, padding: v.string() })),
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    const { spec } = context;
    const { kind } = result;
    await ctx.db.insert("outcomes", {
      key: spec.key,
      workId,
      result: { kind },
    });
    await enqueueSpecs(ctx, childrenFrom(spec, "callback"));
  },
});

export const cancelAll = mutationGeneric({
  args: { pool: vPoolName },
  handler: async (ctx: MutationCtx, { pool }) => {
    await poolNamed(componentsGeneric(), pool).cancelAll(ctx);
  },
});

/** Has nothing to do with any pool. */
export const ownMutation = mutationGeneric({
  args: {},
  handler: async (ctx: MutationCtx) => {
    await count(ctx, "own");
    await ctx.scheduler.runAfter(10, anyApi.corners!.ownScheduled!, {});
  },
});

export const ownScheduled = internalMutationGeneric({
  args: {},
  handler: (ctx: MutationCtx) => count(ctx, "own, scheduled"),
});

export const ownAction = actionGeneric({
  args: { ms: v.number() },
  handler: async (ctx, { ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    await ctx.runMutation(anyApi.corners!.ownMutation!, {});
  },
});
