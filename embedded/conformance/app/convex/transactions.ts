import { anyApi, mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";

const self = anyApi.transactions as any;

export const increment = mutationGeneric({
  args: { name: v.string() },
  handler: async (ctx, { name }): Promise<number> => {
    console.log("incrementing", name);
    const counter = (await ctx.db.query("counters").collect()).find(
      (row) => row.name === name,
    );
    if (counter === undefined) {
      await ctx.db.insert("counters", { name, count: 1 });
      return 1;
    }
    await ctx.db.patch(counter._id, { count: counter.count + 1 });
    return counter.count + 1;
  },
});

/** Held by the deployment before it begins to read. */
export const heldIncrement = mutationGeneric({
  args: { name: v.string() },
  handler: async (ctx, args): Promise<number> => {
    console.log("attempt");
    return await ctx.runMutation(self.increment, args);
  },
});

export const sideBySide = mutationGeneric({
  args: { name: v.string() },
  handler: async (ctx, args): Promise<number[]> =>
    await Promise.all(
      [1, 2, 3].map(() => ctx.runMutation(self.increment, args)),
    ),
});

export const withoutAwait = mutationGeneric({
  args: { name: v.string() },
  handler: (ctx, { name }) => {
    void ctx.db.insert("counters", { name, count: 7 });
    void ctx.runMutation(self.increment, { name: `${name} nested` });
    return null;
  },
});

/** Returns what its validator does not allow, after a write. */
export const misreturn = mutationGeneric({
  args: { name: v.string() },
  returns: v.string(),
  handler: async (ctx, { name }): Promise<any> => {
    await ctx.db.insert("counters", { name, count: 0 });
    return 5;
  },
});

export const catchMisreturn = mutationGeneric({
  args: { name: v.string() },
  handler: async (ctx, args): Promise<string> => {
    try {
      return await ctx.runMutation(self.misreturn, args);
    } catch (error) {
      return (error as Error).message;
    }
  },
});

export const misreturnAndRethrow = mutationGeneric({
  args: { name: v.string() },
  handler: (ctx, args): Promise<string> =>
    ctx.runMutation(self.misreturn, args),
});

export const catchRethrown = mutationGeneric({
  args: { name: v.string() },
  handler: async (ctx, args): Promise<string> => {
    try {
      return await ctx.runMutation(self.misreturnAndRethrow, args);
    } catch (error) {
      return (error as Error).message;
    }
  },
});

const look = () => ({
  now: Date.now(),
  random: Math.random(),
  uuid: crypto.randomUUID(),
});
export const clockAndDice = queryGeneric({ args: {}, handler: () => look() });
export const clocksAndDice = mutationGeneric({
  args: {},
  handler: async (ctx): Promise<any> => {
    const before = look();
    const nested = await ctx.runQuery(self.clockAndDice, {});
    for (let i = 0; i < 50; i++) await ctx.db.query("items").first();
    return [before, nested, look()];
  },
});

export const fetches = mutationGeneric({
  args: {},
  handler: async () => {
    await fetch("http://127.0.0.1:1/");
    return null;
  },
});
export const waits = queryGeneric({
  args: {},
  handler: async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return null;
  },
});
export const neverEnds = queryGeneric({
  args: {},
  handler: () => new Promise(() => {}),
});

let calls = 0;
export const countCalls = queryGeneric({ args: {}, handler: () => ++calls });

export const insertMany = mutationGeneric({
  args: { count: v.number() },
  handler: async (ctx, { count }): Promise<number[]> => {
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const id = await ctx.db.insert("moments", { i });
      times.push((await ctx.db.get(id))!._creationTime);
    }
    return times;
  },
});

export const metrics = mutationGeneric({
  args: {},
  handler: async (ctx): Promise<any> => {
    await ctx.db.insert("counters", { name: "metrics", count: 0 });
    await ctx.db.query("moments").take(2);
    await ctx.scheduler.runAfter(1e9, anyApi.script!.nothing!, {});
    return await (ctx as any).meta.getTransactionMetrics();
  },
});

/** A nested call with a budget of its own for writing. */
export const onBudget = mutationGeneric({
  args: { documentsWritten: v.number(), inserts: v.number() },
  handler: async (ctx, { documentsWritten, inserts }): Promise<string> => {
    try {
      await (ctx as any).runMutation(
        self.insertMany,
        { count: inserts },
        { transactionLimits: { documentsWritten } },
      );
      return "done";
    } catch (error) {
      await ctx.db.insert("counters", { name: "after the limit", count: 0 });
      return (error as Error).message;
    }
  },
});

export const queryThatMutates = queryGeneric({
  args: {},
  handler: async (ctx): Promise<any> =>
    await (ctx as any).runMutation(self.increment, { name: "from a query" }),
});
