/** What clients call: the same operations for every pool. */
import { v } from "convex/values";
import { type EnqueueOptions, thisWork } from "../../../src/client/index.js";
import * as byHand from "./byHand.js";
import { internal, mutation, query } from "./functions.js";
import { vActionArgs } from "./jobs.js";
import { component, vTarget } from "./target.js";

/** Twice as long before each further attempt, so that an attempt in three may fail and everything still ends. */
const RETRY = { maxAttempts: 12, initialBackoffMs: 100, base: 2 };

/** What only our pool can be told of works. */
const vDeclared = v.object({
  timeoutMs: v.optional(v.number()),
  expireAfter: v.optional(v.number()),
  statusTtl: v.optional(v.number()),
  tags: v.optional(v.array(v.string())),
});

export const enqueue = mutation({
  args: {
    ...vTarget,
    job: v.union(v.literal("action"), v.literal("mutation")),
    jobs: v.array(vActionArgs),
    /** Milliseconds from now for each job. Default: at once. */
    delays: v.optional(v.array(v.number())),
    retry: v.optional(v.boolean()),
    callback: v.optional(
      v.union(
        v.literal("recorded"),
        v.literal("counted"),
        v.literal("timed"),
        v.literal("broken"),
      ),
    ),
    cancelable: v.optional(v.boolean()),
    declared: v.optional(vDeclared),
    /** One of our pool's own, which is told which attempt it is. Default: that of the job. */
    handler: v.optional(
      v.union(v.literal("attached"), v.literal("suspending")),
    ),
    /** Of each job, in our pool: it is unique by it, until it ends. */
    keys: v.optional(v.array(v.string())),
    unseenContextBytes: v.optional(v.number()),
  },
  returns: v.array(v.string()),
  handler: async (ctx, args): Promise<string[]> => {
    const { pool, parallelism, job, delays, callback, handler, keys } = args;
    const retry = args.retry ?? false;
    if (pool === "scheduler") {
      const { jobs } = args;
      const cancelable = args.cancelable ?? false;
      return await byHand.enqueue(ctx, job, jobs, {
        delays,
        retry,
        callback,
        cancelable,
      });
    }
    const workpool = component(pool, parallelism);
    const unseen = args.unseenContextBytes;
    const options: Pick<
      EnqueueOptions,
      "onComplete" | "onCompleteExcludeKinds" | "context"
    > = {
      ...(callback === undefined
        ? {}
        : { onComplete: internal.jobs![callback] as any }),
      ...(callback === "timed" ? { context: Date.now() } : {}),
      // A context that has to be kept, and goes without having been read.
      ...(unseen === undefined
        ? {}
        : {
            onComplete: internal.jobs!.recorded as any,
            onCompleteExcludeKinds: ["success", "failed", "canceled"],
            context: "x".repeat(unseen),
          }),
      ...(job === "action" && retry ? { retry: RETRY } : {}),
      ...(pool === "workpool" ? args.declared : {}),
    };
    const fn: any =
      handler === undefined
        ? internal.jobs![callback === "timed" ? "timedAction" : job]
        : internal.life![handler];
    const jobs =
      handler === undefined
        ? args.jobs
        : args.jobs.map((one) => ({ ...one, work: thisWork }));
    // Options are those of the whole batch, so jobs with a time or a key of their own go one by one.
    const isBatch = delays === undefined && keys === undefined;
    if (isBatch && jobs.length > 1) {
      return job === "action"
        ? await workpool.enqueueActionBatch(ctx, fn, jobs, options)
        : await workpool.enqueueMutationBatch(ctx, fn, jobs, options);
    }
    const ids: string[] = [];
    for (const [index, one] of jobs.entries()) {
      const own = {
        ...options,
        ...(delays === undefined ? {} : { runAfter: delays[index]! }),
      };
      if (keys !== undefined) {
        const unique = { key: keys[index]!, scope: "active" as const };
        const options = { ...own, unique };
        const { id } = await workpool.enqueueUniqueAction(
          ctx,
          fn,
          one,
          options,
        );
        ids.push(id);
        continue;
      }
      ids.push(
        job === "action"
          ? await workpool.enqueueAction(ctx, fn, one, own)
          : await workpool.enqueueMutation(ctx, fn, one, own),
      );
    }
    return ids;
  },
});

/** The same; a function of its own so that the bench can make it a slow one. */
export const enqueueSlowly = enqueue;

export const cancelAll = mutation({
  args: { ...vTarget },
  returns: v.null(),
  handler: async (ctx, { pool, parallelism }) => {
    if (pool === "scheduler") await byHand.cancelPage(ctx);
    else await component(pool, parallelism).cancelAll(ctx);
    return null;
  },
});

export const status = query({
  args: { ...vTarget, id: v.string() },
  returns: v.any(),
  handler: async (ctx, { pool, parallelism, id }) =>
    pool === "scheduler"
      ? await byHand.status(ctx, id)
      : await component(pool, parallelism).status(ctx, id as any),
});

/** What {@link enqueue} with `callback: "timed"` recorded after `after`: a page of it. */
export const timings = query({
  args: { after: v.number() },
  returns: v.array(v.any()),
  handler: async (ctx, { after }) =>
    await ctx.db
      .query("timings")
      .withIndex("by_creation_time", (q) => q.gt("_creationTime", after))
      .take(1000),
});
