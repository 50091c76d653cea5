/** Scheduled functions of the app itself. */
import {
  anyApi,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import type { MutationCtx } from "./schema.js";

export const plan = mutationGeneric({
  args: { from: v.number(), count: v.number(), at: v.number() },
  handler: async (ctx: MutationCtx, { from, count, at }) => {
    for (let number = from; number < from + count; number++) {
      await ctx.scheduler.runAt(at, anyApi.reminders!.remind as any, {
        number,
      });
    }
  },
});

export const remind = internalMutationGeneric({
  args: { number: v.number() },
  handler: async (ctx: MutationCtx, { number }) => {
    await ctx.db.insert("reminders", { number });
  },
});

export const count = queryGeneric({
  args: {},
  // Without reading them: it runs again for each that is written.
  handler: async ({ db }) => await (db.query("reminders") as any).count(),
});
