/** Changing how the pool runs, while it runs. */
import { ConvexError, v } from "convex/values";
import { components } from "./_generated/api.js";
import { mutation, query, type QueryCtx } from "./_generated/server.js";
import { DEFAULT_PARALLELISM } from "./pool.js";

const MAX_PARALLELISM = 100;

const vSettings = v.object({ parallelism: v.number(), paused: v.boolean() });

export const get = query({
  args: {},
  returns: vSettings,
  handler: async (ctx) => {
    const { parallelism, paused } = await current(ctx);
    return { parallelism, paused };
  },
});

export const update = mutation({
  args: vSettings.partial(),
  returns: v.null(),
  handler: async (ctx, changes) => {
    const { _id, ...settings } = { ...(await current(ctx)), ...changes };
    const { parallelism, paused } = settings;
    if (
      !Number.isInteger(parallelism) ||
      parallelism < 1 ||
      parallelism > MAX_PARALLELISM
    ) {
      throw new ConvexError(
        `parallelism is ${parallelism}; it must be an integer from 1 to ${MAX_PARALLELISM} (pause to stop altogether)`,
      );
    }
    if (_id === undefined) {
      await ctx.db.insert("settings", { parallelism, paused });
    } else {
      await ctx.db.replace("settings", _id, { parallelism, paused });
    }
    await ctx.runMutation(components.workpool.config.update, {
      maxParallelism: paused ? 0 : parallelism,
    });
    return null;
  },
});

async function current(ctx: QueryCtx) {
  const stored = await ctx.db.query("settings").unique();
  return {
    _id: stored?._id,
    parallelism: stored?.parallelism ?? DEFAULT_PARALLELISM,
    paused: stored?.paused ?? false,
  };
}
