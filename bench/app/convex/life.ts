/** What only our pool can do with a work: handlers that know their attempt, and what is done to works afterwards. */
import { v } from "convex/values";
import { type ListOptions, vThisWork } from "../../../src/client/index.js";
import { internalAction, mutation, query } from "./functions.js";
import { vActionArgs } from "./jobs.js";
import { component } from "./target.js";
import { act, sleep } from "./work.js";

/** For what asks nothing of its options. */
const pool = component("workpool", 1);

/** Is attached to its attempt while it works, and may beat. */
export const attached = pool.defineAction({
  args: vActionArgs.fields,
  returns: v.null(),
  handler: async (_ctx, args, attempt): Promise<null> => {
    const { ms = 0, beatEveryMs } = args;
    if (beatEveryMs === undefined) {
      await act(args);
      return null;
    }
    for (let left = ms; left > 0; left -= beatEveryMs) {
      await attempt.heartbeat({ progress: 1 - left / ms });
      await sleep(Math.min(beatEveryMs, left));
    }
    return null;
  },
});

/** Leaves it to {@link complete} to end its work. */
export const suspending = internalAction({
  args: { ...vActionArgs.fields, work: vThisWork },
  returns: v.null(),
  handler: async (ctx, { work, ...args }) => {
    await act(args);
    await pool.suspend(ctx, work, { timeoutMs: 3_600_000 });
    return null;
  },
});

/** As a provider's webhook does. */
export const complete = mutation({
  args: { id: v.string() },
  returns: v.string(),
  handler: async (ctx, { id }) => await pool.complete(ctx, id as any),
});

export const retryFailed = mutation({
  args: { parallelism: v.number() },
  returns: v.any(),
  handler: async (ctx, { parallelism }) =>
    await component("workpool", parallelism).retry(ctx, { filter: {} }),
});

export const list = query({
  args: { options: v.any() },
  returns: v.any(),
  handler: async (ctx, { options }) =>
    await pool.list(ctx, options as ListOptions),
});
