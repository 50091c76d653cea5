import { internalMutationGeneric } from "convex/server";
import { v } from "convex/values";
import { vOnCompleteArgs } from "../../../../src/client/index.js";
import type { MutationCtx } from "./schema.js";

export const record = internalMutationGeneric({
  args: vOnCompleteArgs(
    v.object({
      key: v.string(),
      /** Until then it throws, after it has written: a callback that is owed meanwhile. */
      refuseUntil: v.number(),
    }),
  ),
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    const { key, refuseUntil } = context;
    await ctx.db.insert("outcomes", { key, workId, kind: result.kind });
    if (Date.now() < refuseUntil) throw new Error(`${key}: not yet`);
  },
});
