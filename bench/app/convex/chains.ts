/** Chains: each work is enqueued by the `onComplete` of the one before. */
import { v } from "convex/values";
import {
  internal,
  internalMutation,
  mutation,
  type MutationCtx,
} from "./functions.js";
import { vOutcome } from "./jobs.js";
import { component, vComponentTarget } from "./target.js";

const vLink = v.object({
  ...vComponentTarget,
  id: v.number(),
  ms: v.number(),
  /** How many more come after this one, each with the next id. */
  more: v.number(),
});

async function enqueueLink(
  ctx: MutationCtx,
  link: typeof vLink.type,
): Promise<void> {
  const { pool, parallelism, id, ms, more } = link;
  await component(pool, parallelism).enqueueAction(
    ctx,
    internal.jobs!.action as any,
    { id, ms },
    more === 0
      ? {}
      : {
          onComplete: internal.chains!.next as any,
          context: { ...link, id: id + 1, more: more - 1 },
        },
  );
}

export const start = mutation({
  args: vLink,
  returns: v.null(),
  handler: async (ctx, link) => {
    await enqueueLink(ctx, link);
    return null;
  },
});

export const next = internalMutation({
  args: vOutcome,
  returns: v.null(),
  handler: async (ctx, { context }) => {
    await enqueueLink(ctx, context);
    return null;
  },
});
