/** What works of the profile `corners` do that are mutations: they can enqueue works themselves. */
import { internalMutationGeneric } from "convex/server";
import { cornerArgs, resultOf } from "./cornerJobs.js";
import { childrenFrom } from "./specs.js";
import { enqueueSpecs } from "./specSubmissions.js";
import type { MutationCtx } from "./tallies.js";

export const mutate = internalMutationGeneric({
  args: cornerArgs,
  handler: async (ctx: MutationCtx, { key, spec }) => {
    await ctx.db.insert("effects", { key });
    const result = resultOf(spec);
    await enqueueSpecs(ctx, childrenFrom(spec, "handler"));
    return result;
  },
});
