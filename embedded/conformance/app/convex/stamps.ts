/** Commit timestamps. */
import { anyApi, mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";

const self = anyApi.stamps as any;
const vars = (ctx: any) => ctx.db.vars;

export const stampTwice = mutationGeneric({
  args: { label: v.string() },
  handler: async (ctx, { label }): Promise<any> => {
    const at = vars(ctx).commitTs;
    await ctx.db.insert("stamps", { label, at });
    await ctx.db.insert("stamps", { label, at });
    const own = await ctx.db
      .query("stamps")
      .withIndex("by_at")
      .order("desc")
      .take(2);
    return {
      at,
      last: own.map((stamp) => stamp.label),
      typeBefore: typeof own[0]!.at,
    };
  },
});

export const list = queryGeneric({
  args: { label: v.optional(v.string()) },
  handler: async (ctx, { label }) =>
    (await ctx.db.query("stamps").withIndex("by_at").collect()).filter(
      (stamp) => label === undefined || stamp.label === label,
    ),
});

export const snapshot = queryGeneric({
  args: {},
  handler: (ctx): Promise<bigint> => (ctx as any).meta.getSnapshotTs(),
});

export const keep = mutationGeneric({
  args: { at: v.commitTs(), label: v.string() },
  returns: v.commitTs(),
  handler: async (ctx, args): Promise<any> => {
    await ctx.db.insert("stamps", args);
    return args.at;
  },
});

export const passDown = mutationGeneric({
  args: { label: v.string() },
  handler: async (ctx, { label }): Promise<any> =>
    await ctx.runMutation(self.keep, { at: vars(ctx).commitTs, label }),
});

export const patchIn = mutationGeneric({
  args: { id: v.id("anything") },
  handler: async (ctx, { id }) => {
    await ctx.db.patch(id, { value: [1, { at: vars(ctx).commitTs }] });
    return null;
  },
});

export const schedule = mutationGeneric({
  args: {},
  handler: async (ctx) => {
    await ctx.scheduler.runAfter(0, self.keep, {
      at: vars(ctx).commitTs,
      label: "scheduled",
    });
    return null;
  },
});

export const echo = queryGeneric({
  args: { at: v.any() },
  handler: (_ctx, { at }) => at,
});
