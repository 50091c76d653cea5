import { HOUR, RateLimiter } from "@convex-dev/rate-limiter";
import { componentsGeneric, mutationGeneric } from "convex/server";
import { v } from "convex/values";

const components = componentsGeneric() as any;
const limiter = new RateLimiter(components.rateLimiter, {
  attempts: { kind: "fixed window", rate: 2, period: HOUR },
});

export const attempt = mutationGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }): Promise<boolean> =>
    (await limiter.limit(ctx as any, "attempts", { key })).ok,
});

export const reset = mutationGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await limiter.reset(ctx as any, "attempts", { key });
    return null;
  },
});
