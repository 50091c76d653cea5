import {
  actionGeneric,
  anyApi,
  internalMutationGeneric,
  mutationGeneric,
  paginationOptsValidator,
  queryGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";

export const list = queryGeneric({
  args: { channel: v.string() },
  handler: async (ctx, { channel }) => {
    const messages = await ctx.db
      .query("messages")
      .withIndex("by_channel", (q) => q.eq("channel", channel))
      .collect();
    return messages.map((message) => message.body as string);
  },
});

export const page = queryGeneric({
  args: { channel: v.string(), paginationOpts: paginationOptsValidator },
  handler: (ctx, { channel, paginationOpts }) =>
    ctx.db
      .query("messages")
      .withIndex("by_channel", (q) => q.eq("channel", channel))
      .paginate(paginationOpts),
});

export const send = mutationGeneric({
  args: { channel: v.string(), body: v.string() },
  returns: v.id("messages"),
  handler: (ctx, args) => {
    console.log("sending", args.body);
    return ctx.db.insert("messages", args);
  },
});

export const refuse = mutationGeneric({
  args: { channel: v.string() },
  handler: async (ctx, { channel }) => {
    await ctx.db.insert("messages", { channel, body: "never kept" });
    throw new ConvexError({ code: "FULL", channel });
  },
});

export const failing = queryGeneric({
  args: {},
  handler: () => {
    throw new ConvexError({ code: "BROKEN", at: 7n });
  },
});

export const crash = mutationGeneric({
  args: {},
  handler: () => {
    throw new Error("went wrong");
  },
});

export const sendInternal = internalMutationGeneric({
  args: { channel: v.string(), body: v.string() },
  handler: async (ctx, args) => {
    await ctx.db.insert("messages", args);
    return null;
  },
});

export const sendThroughAction = actionGeneric({
  args: { channel: v.string(), body: v.string() },
  handler: async (ctx, args): Promise<string> => {
    await ctx.runMutation(anyApi.messages!.sendInternal!, args);
    return `sent ${args.body}`;
  },
});

export const sendLater = mutationGeneric({
  args: { channel: v.string(), body: v.string(), delayMs: v.number() },
  handler: async (ctx, { delayMs, ...args }) => {
    await ctx.scheduler.runAfter(delayMs, anyApi.messages!.sendInternal!, args);
    return null;
  },
});

export const crashLater = mutationGeneric({
  args: {},
  handler: async (ctx) => {
    await ctx.scheduler.runAfter(0, anyApi.messages!.crash!, {});
    return null;
  },
});

/** Sends once `url` has answered. */
export const waitThenSend = actionGeneric({
  args: { url: v.string() },
  handler: async (ctx, { url }) => {
    await fetch(url);
    await ctx.runMutation(anyApi.messages!.sendInternal!, {
      channel: "late",
      body: "late",
    });
  },
});

export const waitLater = mutationGeneric({
  args: { url: v.string() },
  handler: async (ctx, args) => {
    await ctx.scheduler.runAfter(0, anyApi.messages!.waitThenSend!, args);
    return null;
  },
});

export const greeting = queryGeneric({
  args: {},
  handler: () => process.env.GREETING ?? "no greeting",
});

export const large = queryGeneric({
  args: { length: v.number() },
  handler: (_ctx, { length }) => "ü".repeat(length),
});
