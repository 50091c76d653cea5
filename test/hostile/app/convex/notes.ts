/** Public functions of an app: what any client may call. */
import { mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";
import type { MutationCtx } from "./schema.js";

export const add = mutationGeneric({
  args: { text: v.string() },
  handler: async (ctx: MutationCtx, { text }) =>
    await ctx.db.insert("notes", { text }),
});

export const count = queryGeneric({
  args: {},
  handler: async (ctx) => (await ctx.db.query("notes").collect()).length,
});

export const has = queryGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }) =>
    (await ctx.db.query("notes").collect()).some((note) => note.text === text),
});

/** Takes anything and gives it back. */
export const echo = queryGeneric({
  handler: async (_ctx, args) => args,
});
