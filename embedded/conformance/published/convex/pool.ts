import { vOnCompleteArgs, Workpool } from "@convex-dev/workpool";
import {
  anyApi,
  componentsGeneric,
  internalActionGeneric,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";

const components = componentsGeneric() as any;
const pool = new Workpool(components.workpool, {
  maxParallelism: 3,
  retryActionsByDefault: false,
});
const self = anyApi.pool as any;
const { write } = anyApi.diary as any;

export const square = internalActionGeneric({
  args: { n: v.number() },
  handler: (_ctx, { n }) => {
    if (n % 5 === 4) throw new Error(`${n} does not like to be squared`);
    return n * n;
  },
});

export const squareLater = mutationGeneric({
  args: { about: v.string(), count: v.number() },
  handler: async (ctx, { about, count }) => {
    for (let n = 0; n < count; n++) {
      await pool.enqueueAction(
        ctx as any,
        self.square,
        { n },
        { onComplete: self.done, context: { about, n } },
      );
    }
    return null;
  },
});

export const done = internalMutationGeneric({
  args: vOnCompleteArgs(v.object({ about: v.string(), n: v.number() })),
  handler: async (ctx, { context: { about, n }, result }) => {
    await ctx.db.insert("diary", { about, entry: { n, ...result } });
  },
});

/** Fails until it has been tried that often. */
export const reluctant = internalActionGeneric({
  args: { about: v.string(), failures: v.number() },
  handler: async (ctx, { about, failures }): Promise<string> => {
    const tries = (await ctx.runQuery((anyApi.diary as any).read, {
      about,
    })) as unknown[];
    await ctx.runMutation(write, { about, entry: "try" });
    if (tries.length < failures) throw new Error("not yet");
    return "at last";
  },
});

export const retried = mutationGeneric({
  args: { about: v.string(), failures: v.number() },
  handler: async (ctx, args) => {
    await pool.enqueueAction(ctx as any, self.reluctant, args, {
      retry: { maxAttempts: 5, initialBackoffMs: 60_000, base: 2 },
      onComplete: self.done,
      context: { about: `${args.about} outcome`, n: 0 },
    });
    return null;
  },
});

export const wait = internalActionGeneric({
  args: { url: v.string() },
  handler: async (_ctx, { url }) => {
    await fetch(url);
    return "waited";
  },
});

export const waitLater = mutationGeneric({
  args: { about: v.string(), urls: v.array(v.string()) },
  handler: async (ctx, { about, urls }): Promise<string[]> => {
    const ids: string[] = [];
    for (const [n, url] of urls.entries()) {
      ids.push(
        await pool.enqueueAction(
          ctx as any,
          self.wait,
          { url },
          { onComplete: self.done, context: { about, n } },
        ),
      );
    }
    return ids;
  },
});

export const cancel = mutationGeneric({
  args: { id: v.string() },
  handler: async (ctx, { id }) => {
    await pool.cancel(ctx as any, id as any);
    return null;
  },
});

export const status = queryGeneric({
  args: { id: v.string() },
  handler: async (ctx, { id }): Promise<string> =>
    (await pool.status(ctx as any, id as any)).state,
});

export const writeLater = mutationGeneric({
  args: { about: v.string(), entries: v.array(v.string()) },
  handler: async (ctx, { about, entries }) => {
    for (const entry of entries) {
      await pool.enqueueMutation(ctx as any, write, { about, entry });
    }
    return null;
  },
});
