/** What the tests call. */
import {
  anyApi,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { thisWork, vWorkId } from "../../../../src/client/index.js";
import { pool } from "./pool.js";

const jobs = anyApi.jobs!;

export const enqueueUnique = mutationGeneric({
  args: {
    key: v.string(),
    /** The argument `key` of the work. */
    name: v.optional(v.string()),
    ms: v.optional(v.number()),
    unique: v.any(),
  },
  handler: async (ctx, { key, name = key, ms = 0, unique }) =>
    await pool.enqueueUniqueAction(
      ctx,
      jobs.wait as any,
      { key: name, ms },
      { unique: { key, ...unique } },
    ),
});

export const enqueueAttached = mutationGeneric({
  args: {
    fn: v.string(),
    args: v.any(),
    options: v.optional(v.any()),
  },
  handler: async (ctx, { fn, args, options = {} }) =>
    await pool.enqueueAction(
      ctx,
      jobs[fn] as any,
      { ...args, work: thisWork },
      options,
    ),
});

export const get = queryGeneric({
  args: { id: vWorkId },
  handler: async (ctx, { id }) => await pool.get(ctx, id),
});

export const cancel = mutationGeneric({
  args: { id: vWorkId },
  handler: async (ctx, { id }) => await pool.cancel(ctx, id),
});

export const complete = mutationGeneric({
  args: { id: vWorkId, result: v.any() },
  handler: async (ctx, { id, result }) => await pool.complete(ctx, id, result),
});

export const note = internalMutationGeneric({
  args: { key: v.string(), detail: v.any() },
  handler: async (ctx, row) => {
    await ctx.db.insert("notes", row);
  },
});
