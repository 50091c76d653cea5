import { HOUR, MINUTE, RateLimiter } from "@convex-dev/rate-limiter";
import { componentsGeneric, mutationGeneric } from "convex/server";
import { v } from "convex/values";

const components = componentsGeneric() as any;
const limiter = new RateLimiter(components.rateLimiter, {
  window: { kind: "fixed window", rate: 2, period: HOUR },
  bucket: { kind: "token bucket", rate: 10, period: MINUTE, capacity: 3 },
  sharded: { kind: "token bucket", rate: 100, period: HOUR, shards: 5 },
});
const which = v.union(
  v.literal("window"),
  v.literal("bucket"),
  v.literal("sharded"),
);

export const limit = mutationGeneric({
  args: { which, key: v.string(), times: v.optional(v.number()) },
  handler: async (ctx, { which, key, times }): Promise<boolean[]> => {
    const answers: boolean[] = [];
    for (let i = 0; i < (times ?? 1); i++) {
      answers.push((await limiter.limit(ctx as any, which, { key })).ok);
    }
    return answers;
  },
});

export const throwing = mutationGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await limiter.limit(ctx as any, "window", { key, throws: true });
    return null;
  },
});

export const limitAndFail = mutationGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await limiter.limit(ctx as any, "window", { key });
    throw new Error("changed my mind");
  },
});

export const reset = mutationGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await limiter.reset(ctx as any, "window", { key });
    return null;
  },
});
