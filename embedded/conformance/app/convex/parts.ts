/** The app's side of its components. */
import {
  actionGeneric,
  anyApi,
  componentsGeneric,
  createFunctionHandle,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";

const components = componentsGeneric() as any;
const self = anyApi.parts as any;
const which = v.union(v.literal("ledger"), v.literal("second"));
const call = { which, name: v.string(), args: v.any() };
const target = (which: string, name: string) => components[which].entries[name];

export const ask = queryGeneric({
  args: call,
  handler: (ctx, { which, name, args }): Promise<unknown> =>
    ctx.runQuery(target(which, name), args),
});
export const tell = mutationGeneric({
  args: call,
  handler: (ctx, { which, name, args }): Promise<unknown> =>
    ctx.runMutation(target(which, name), args),
});

/** Two components and the app in one transaction, which fails. */
export const addEverywhereAndFail = mutationGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    await ctx.runMutation(components.ledger.entries.add, { text });
    await ctx.runMutation(components.second.entries.add, { text });
    await ctx.db.insert("received", { text });
    throw new Error("all or nothing");
  },
});

export const throughAction = actionGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }): Promise<unknown> => {
    await ctx.runMutation(components.second.entries.add, { text });
    return await ctx.runQuery(components.second.entries.all, {});
  },
});

export const receive = internalMutationGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }): Promise<string> => {
    await ctx.db.insert("received", { text });
    return `received ${text}`;
  },
});

export const received = queryGeneric({
  args: {},
  handler: async (ctx): Promise<string[]> =>
    (await ctx.db.query("received").collect()).map(
      ({ text }) => text as string,
    ),
});

/** Gives the component a handle of a function of the app that it cannot name. */
export const lend = mutationGeneric({
  args: { how: v.string(), text: v.string() },
  handler: async (ctx, { how, text }): Promise<unknown> =>
    await ctx.runMutation(components.ledger.entries[how], {
      handle: await createFunctionHandle(self.receive),
      text,
    }),
});
export const lendFromAction = actionGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }): Promise<unknown> =>
    await ctx.runAction(components.ledger.entries.callBackFromAction, {
      handle: await createFunctionHandle(self.receive),
      text,
    }),
});

/** Uses a handle that a component has made. */
export const borrow = mutationGeneric({
  args: { name: v.string(), args: v.any() },
  handler: async (ctx, { name, args }): Promise<unknown> => {
    const handles = await ctx.runMutation(
      components.ledger.entries.handles,
      {},
    );
    return name === "hidden"
      ? await ctx.runQuery(handles.hidden, args)
      : await ctx.runMutation(handles[name], args);
  },
});

export const handleTwice = mutationGeneric({
  args: {},
  handler: async (): Promise<boolean> => {
    const handle = await createFunctionHandle(self.receive);
    return handle === (await createFunctionHandle(self.receive));
  },
});

export const wrongHandle = mutationGeneric({
  args: { handle: v.string() },
  handler: (ctx, { handle }): Promise<unknown> =>
    ctx.runMutation(handle as any, { text: "never" }),
});
