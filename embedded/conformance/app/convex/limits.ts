/** What takes as much of something as it is told to. */
import {
  actionGeneric,
  anyApi,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";

const self = anyApi.limits as any;
const nothing = (anyApi.script as any).nothing;

export const write = mutationGeneric({
  args: { table: v.string(), count: v.number(), bytes: v.number() },
  handler: async (ctx, { table, count, bytes }) => {
    const text = "x".repeat(bytes);
    for (let n = 0; n < count; n++) await ctx.db.insert(table, { n, text });
    return null;
  },
});

export const read = queryGeneric({
  args: { table: v.string(), count: v.number() },
  handler: async (ctx, { table, count }): Promise<number> =>
    (await ctx.db.query(table).take(count)).length,
});

export const readOneByOne = queryGeneric({
  args: { times: v.number() },
  handler: async (ctx, { times }): Promise<number> => {
    for (let i = 0; i < times; i++) await ctx.db.query("nowhere").first();
    return times;
  },
});

/** Reads too much, catches that, and reads again. */
export const readTooMuchTwice = queryGeneric({
  args: { table: v.string(), count: v.number() },
  handler: async (ctx, { table, count }): Promise<string[]> => {
    const messages: string[] = [];
    for (const each of [count, 1]) {
      try {
        await ctx.db.query(table).take(each);
      } catch (error) {
        messages.push((error as Error).message);
      }
    }
    return messages;
  },
});

export const schedule = mutationGeneric({
  args: { count: v.number() },
  handler: async (ctx, { count }) => {
    for (let i = 0; i < count; i++) {
      await ctx.scheduler.runAfter(1e9, nothing, {});
    }
    return null;
  },
});

export const scheduleLarge = mutationGeneric({
  args: { count: v.number(), bytes: v.number() },
  handler: async (ctx, { count, bytes }) => {
    const text = "x".repeat(bytes);
    for (let i = 0; i < count; i++) {
      await ctx.scheduler.runAfter(1e9, nothing, { text });
    }
    return null;
  },
});

export const give = queryGeneric({
  args: { bytes: v.number() },
  handler: (_ctx, { bytes }) => "x".repeat(bytes),
});

export const take = queryGeneric({
  args: { text: v.string() },
  handler: (_ctx, { text }) => text.length,
});

/** Passes on arguments that are too large for any client to send. */
export const passOn = actionGeneric({
  args: { bytes: v.number() },
  handler: (ctx, { bytes }): Promise<number> =>
    ctx.runQuery(self.take, { text: "x".repeat(bytes) }),
});

/** Calls itself that deep. */
export const deep = queryGeneric({
  args: { levels: v.number() },
  handler: async (ctx, { levels }): Promise<number> =>
    levels === 0
      ? 0
      : 1 + (await ctx.runQuery(self.deep, { levels: levels - 1 })),
});

export const spin = queryGeneric({
  args: {},
  handler: () => {
    for (;;);
  },
});

export const log = queryGeneric({
  args: { lines: v.number(), length: v.number() },
  handler: (_ctx, { lines, length }) => {
    for (let i = 0; i < lines; i++) console.log("x".repeat(length));
    return null;
  },
});

/** Waits at a gate. */
export const wait = actionGeneric({
  args: { url: v.string() },
  handler: async (_ctx, { url }) => {
    await fetch(url);
    return null;
  },
});
