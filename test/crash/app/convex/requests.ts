/** What the tests call. */
import {
  anyApi,
  componentsGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { type Infer, v } from "convex/values";
import {
  vRetryBehavior,
  vWorkId,
  Workpool,
} from "../../../../src/client/index.js";
import type { MutationCtx } from "./schema.js";

const KEPT_MS = 24 * 60 * 60_000;

const components = componentsGeneric() as any;
export const pool = new Workpool(components.workpool, {
  maxParallelism: 20,
  statusTtl: KEPT_MS,
  logLevel: "ERROR",
});

export const vWork = v.object({
  fnType: v.union(
    v.literal("action"),
    v.literal("mutation"),
    v.literal("query"),
  ),
  /** `args.key` names the work. */
  args: v.any(),
  runAfter: v.number(),
  retry: v.optional(vRetryBehavior),
  callback: v.union(
    v.literal("none"),
    v.literal("always"),
    v.literal("unless success"),
  ),
  refuseCallbackMs: v.number(),
});
export type Work = Infer<typeof vWork>;

/** All works of a batch, and the row that says so, or nothing. */
export const enqueue = mutationGeneric({
  args: { name: v.string(), works: v.array(vWork) },
  handler: async (ctx: MutationCtx, { name, works }) => {
    const enqueued = [];
    for (const work of works) {
      const key = work.args.key as string;
      enqueued.push({ key, workId: await enqueueWork(ctx, key, work) });
    }
    await ctx.db.insert("batches", { name, works: enqueued });
    return enqueued.map(({ workId }) => workId as string);
  },
});

async function enqueueWork(ctx: MutationCtx, key: string, work: Work) {
  const { fnType, args, runAfter, retry, callback, refuseCallbackMs } = work;
  const options = {
    runAfter,
    ...(callback !== "none" && {
      onComplete: anyApi.callbacks!.record as any,
      context: { key, refuseUntil: Date.now() + refuseCallbackMs },
    }),
    ...(callback === "unless success" && {
      onCompleteExcludeKinds: ["success" as const],
    }),
  };
  const { act, mutate, read } = anyApi.jobs as any;
  switch (fnType) {
    case "action":
      return await pool.enqueueAction(ctx, act, args, {
        ...options,
        retry: retry ?? false,
      });
    case "mutation":
      return await pool.enqueueMutation(ctx, mutate, args, options);
    case "query":
      return await pool.enqueueQuery(ctx, read, args, options);
  }
}

/** As one batch. */
export const enqueueMany = mutationGeneric({
  args: { from: v.number(), count: v.number() },
  handler: async (ctx: MutationCtx, { from, count }) =>
    await pool.enqueueMutationBatch(
      ctx,
      anyApi.jobs!.mutate as any,
      Array.from({ length: count }, (_, index) => ({
        key: `${from + index}`,
        fails: false,
      })),
      { statusTtl: 0 },
    ),
});

export const setLimit = mutationGeneric({
  args: { maxParallelism: v.union(v.number(), v.null()) },
  handler: async (ctx, { maxParallelism }) => {
    await ctx.runMutation(components.workpool.config.update, {
      maxParallelism,
    });
  },
});

export const cancelAll = mutationGeneric({
  args: { limit: v.number() },
  handler: async (ctx, { limit }) => await pool.cancelAll(ctx, { limit }),
});

export const cancel = mutationGeneric({
  args: { id: vWorkId },
  handler: async (ctx, { id }) => await pool.cancel(ctx, id),
});

export const statusBatch = queryGeneric({
  args: { ids: v.array(vWorkId) },
  handler: async (ctx, { ids }) => await pool.statusBatch(ctx, ids),
});

export const health = queryGeneric({
  args: {},
  handler: async (ctx) => await pool.health(ctx),
});

export const get = queryGeneric({
  args: { id: vWorkId },
  handler: async (ctx, { id }) => await pool.get(ctx, id),
});

/** How many of these works have not ended, or owe their callback. */
export const unfinished = queryGeneric({
  args: { ids: v.array(vWorkId) },
  handler: async (ctx, { ids }) => {
    let count = 0;
    for (const id of ids) {
      const work = await pool.get(ctx, id);
      const isOver =
        work?.state === "finished" && work.callback?.state !== "owed";
      if (!isOver) count += 1;
    }
    return count;
  },
});
