/** What people do to works afterwards: any method of the pool, by its name. And works that fail until they are mended. */
import {
  anyApi,
  internalMutationGeneric,
  internalActionGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { pool } from "./requests.js";
import type { MutationCtx } from "./schema.js";

const call = { method: v.string(), args: v.array(v.any()) };

const methods = pool as unknown as Record<
  string,
  (ctx: unknown, ...args: unknown[]) => Promise<unknown>
>;

export const ask = queryGeneric({
  args: call,
  handler: async (ctx, { method, args }) =>
    await methods[method]!(ctx, ...args),
});

export const tell = mutationGeneric({
  args: call,
  handler: async (ctx, { method, args }) =>
    await methods[method]!(ctx, ...args),
});

/** A batch of works of one function of this file, each with its key. */
export const enqueueMany = mutationGeneric({
  args: {
    name: v.string(),
    from: v.number(),
    count: v.number(),
    options: v.any(),
  },
  handler: async (ctx: MutationCtx, { name, from, count, options }) => {
    const fn = anyApi.afterwards![name] as any;
    const all = Array.from({ length: count }, (_, index) => ({
      key: `${name} ${from + index}`,
    }));
    switch (name) {
      case "flawed":
        return await pool.enqueueMutationBatch(ctx, fn, all, ({ key }) => ({
          ...options,
          onComplete: anyApi.callbacks!.record as any,
          context: { key, refuseUntil: 0 },
        }));
      case "late":
        return await pool.enqueueActionBatch(ctx, fn, all, {
          ...options,
          retry: { maxAttempts: 100, initialBackoffMs: 0, base: 1 },
        });
      default:
        return await pool.enqueueMutationBatch(ctx, fn, all, options);
    }
  },
});

/** Fails, until somebody has mended what is wrong. */
export const flawed = internalMutationGeneric({
  args: { key: v.string() },
  handler: async (ctx: MutationCtx, { key }) => {
    if (!(await ctx.db.query("mended").first())) {
      throw new Error("It is flawed.");
    }
    await ctx.db.insert("effects", { key });
  },
});

/** An attempt that is lost with its worker is made again. */
export const late = internalActionGeneric({
  args: { key: v.string() },
  handler: async (_ctx, { key }) => key,
});

export const fine = internalMutationGeneric({
  args: { key: v.string() },
  handler: async () => null,
});

/** As `fine`, by another name. */
export const rare = fine;

/** From now on, what is flawed succeeds; all that failed is tried again. */
export const mendAndRetry = mutationGeneric({
  args: {},
  handler: async (ctx: MutationCtx) => {
    await ctx.db.insert("mended", {});
    return await pool.retry(ctx, { filter: {} });
  },
});

/** Stops what is tried again, and says how many works that had begun. */
export const stop = mutationGeneric({
  args: { before: v.number() },
  handler: async (ctx: MutationCtx, { before }) => {
    const [operation] = await pool.operations(ctx);
    await pool.cancelMany(ctx, { before });
    return operation?.matched ?? null;
  },
});
