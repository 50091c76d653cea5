/** What the app may ask of the ledger. */
import {
  anyApi,
  actionGeneric,
  componentsGeneric,
  createFunctionHandle,
  internalMutationGeneric,
  internalQueryGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";

const self = anyApi.entries as any;
const { archive } = componentsGeneric() as any;

export const add = mutationGeneric({
  args: { text: v.string() },
  returns: v.id("entries"),
  handler: async (ctx, { text }) => {
    await ctx.runMutation(archive.pages.add, { text: `archived ${text}` });
    return await ctx.db.insert("entries", { text });
  },
});

export const get = queryGeneric({
  args: { id: v.id("entries") },
  handler: async (ctx, { id }): Promise<string | null> =>
    ((await ctx.db.get(id))?.text as string | undefined) ?? null,
});

export const all = queryGeneric({
  args: {},
  handler: async (ctx): Promise<string[]> =>
    (await ctx.db.query("entries").collect()).map(({ text }) => text as string),
});

export const archived = queryGeneric({
  args: {},
  handler: (ctx): Promise<string[]> => ctx.runQuery(archive.pages.all, {}),
});

export const refuse = mutationGeneric({
  args: { data: v.any() },
  handler: (_ctx, { data }) => {
    throw new ConvexError(data);
  },
});

export const surroundings = queryGeneric({
  args: {},
  handler: async (ctx): Promise<unknown> => ({
    currency: process.env.CURRENCY ?? null,
    greeting: process.env.GREETING ?? null,
    url: typeof process.env.CONVEX_CLOUD_URL,
    path: (await (ctx as any).meta.getFunctionMetadata()).componentPath,
  }),
});

export const hidden = internalQueryGeneric({
  args: {},
  handler: () => "hidden",
});

export const throughHidden = queryGeneric({
  args: {},
  handler: (ctx): Promise<string> => ctx.runQuery(self.hidden, {}),
});

/** Its own functions by handles that it makes. */
export const handles = mutationGeneric({
  args: {},
  handler: async (): Promise<Record<string, string>> => ({
    note: await createFunctionHandle(self.note),
    hidden: await createFunctionHandle(self.hidden),
  }),
});

export const note = internalMutationGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    await ctx.db.insert("entries", { text: `noted ${text}` });
    return null;
  },
});

export const callBack = mutationGeneric({
  args: { handle: v.string(), text: v.string() },
  handler: (ctx, { handle, text }): Promise<unknown> =>
    ctx.runMutation(handle as any, { text }),
});

export const callBackLater = mutationGeneric({
  args: { handle: v.string(), text: v.string() },
  handler: async (ctx, { handle, text }): Promise<string> =>
    await ctx.scheduler.runAfter(0, handle as any, { text }),
});

export const callBackFromAction = actionGeneric({
  args: { handle: v.string(), text: v.string() },
  handler: (ctx, { handle, text }): Promise<unknown> =>
    ctx.runMutation(handle as any, { text }),
});

export const addLater = mutationGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }): Promise<string> =>
    await ctx.scheduler.runAfter(0, self.note, { text }),
});

export const job = queryGeneric({
  args: { id: v.string() },
  handler: async (ctx, { id }): Promise<string | null> =>
    ((await ctx.db.system.get(id as any)) as any)?.state.kind ?? null,
});
