/** What works do: functions that leave traces, take their time, and fail on demand. */
import {
  anyApi,
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { NonRetryableError } from "../../../src/client/index.js";
import { count, type MutationCtx } from "./tallies.js";

/** Each call of its handler leaves a row in `attempts`, its effect. */
export const act = internalActionGeneric({
  args: {
    key: v.string(),
    /** How long the handler takes after its effect. */
    ms: v.optional(v.number()),
    /** Attempts that fail before one succeeds. */
    failures: v.optional(v.number()),
    hopeless: v.optional(v.boolean()),
  },
  handler: async (ctx, { key, ms = 0, failures = 0, hopeless }) => {
    const attempt: number = await ctx.runMutation(anyApi.attempts!.note!, {
      key,
    });
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    if (hopeless) throw new NonRetryableError(`${key} is hopeless`);
    if (attempt <= failures) throw new Error(`attempt ${attempt} failed`);
    return `attempt ${attempt}`;
  },
});

/** Ends when somebody opens its gate. */
export const waitAtGate = internalActionGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    while (!(await ctx.runQuery(anyApi.attempts!.isOpen!, { key }))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return "passed";
  },
});

export const nothing = internalActionGeneric({
  args: { key: v.string() },
  handler: async () => null,
});

export const mutate = internalMutationGeneric({
  args: {
    key: v.string(),
    fail: v.optional(v.boolean()),
    /** A row that others want to write too. */
    tally: v.optional(v.string()),
  },
  handler: async (ctx: MutationCtx, { key, fail, tally }) => {
    await ctx.db.insert("effects", { key });
    if (tally !== undefined) await count(ctx, tally);
    if (fail) throw new Error(`${key} refused`);
    return `wrote ${key}`;
  },
});

export const read = internalQueryGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    const effects = await ctx.db
      .query("effects")
      .withIndex("by_key", (q) => q.eq("key", key))
      .collect();
    return `read ${effects.length}`;
  },
});

/** Takes a large argument, returns a large result. */
export const inflate = internalActionGeneric({
  args: {
    key: v.string(),
    padding: v.string(),
    resultBytes: v.number(),
    ms: v.optional(v.number()),
  },
  handler: async (_ctx, { resultBytes, ms = 0 }) => {
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    return "r".repeat(resultBytes);
  },
});

export const inflateInTransaction = internalMutationGeneric({
  args: { key: v.string(), padding: v.string(), resultBytes: v.number() },
  handler: async (ctx: MutationCtx, { key, resultBytes }) => {
    await ctx.db.insert("effects", { key });
    return "r".repeat(resultBytes);
  },
});

/** How a function can end badly after it had its effect. */
const vTrouble = v.union(
  v.literal("throws"),
  v.literal("is hopeless"),
  v.literal("returns too much"),
  v.literal("returns the wrong type"),
  v.literal("returns no value of Convex"),
  v.literal("writes the wrong type"),
  v.literal("schedules too much"),
  v.literal("never returns"),
);

export const actInTrouble = internalActionGeneric({
  args: { key: v.string(), ms: v.number(), trouble: vTrouble },
  returns: v.string(),
  handler: async (ctx, { key, ms, trouble }) => {
    await ctx.runMutation(anyApi.attempts!.note!, { key });
    await new Promise((resolve) => setTimeout(resolve, ms));
    return await troubled(trouble);
  },
});

export const mutateInTrouble = internalMutationGeneric({
  args: { key: v.string(), trouble: vTrouble },
  returns: v.string(),
  handler: async (ctx: MutationCtx, { key, trouble }) => {
    await ctx.db.insert("effects", { key });
    if (trouble === "writes the wrong type") {
      await ctx.db.insert("effects", { key: 7 as any });
    }
    if (trouble === "schedules too much") await scheduleTooMuch(ctx);
    return await troubled(trouble);
  },
});

export const readInTrouble = internalQueryGeneric({
  args: { key: v.string(), trouble: vTrouble },
  returns: v.string(),
  handler: (_ctx, { trouble }) => troubled(trouble),
});

async function troubled(trouble: string): Promise<any> {
  switch (trouble) {
    case "is hopeless":
      throw new NonRetryableError("there is no hope");
    case "returns too much":
      return "r".repeat(1_000_001);
    case "returns the wrong type":
      return 7;
    case "returns no value of Convex":
      return () => {};
    case "never returns":
      return await new Promise(() => {});
    default:
      throw new Error("thrown on purpose");
  }
}

/** More than a work's share of what one transaction may schedule. */
export async function scheduleTooMuch(ctx: MutationCtx): Promise<void> {
  for (let count = 0; count < 1_000; count++) {
    await ctx.scheduler.runAfter(0, anyApi.attempts!.nothing!, {});
  }
}

/** The next version of the app does not have it any more. */
export const vanishing = internalActionGeneric({
  args: { key: v.string(), ms: v.number() },
  handler: async (ctx, { key, ms }) => {
    await ctx.runMutation(anyApi.attempts!.note!, { key });
    await new Promise((resolve) => setTimeout(resolve, ms));
    return "was still there";
  },
});

/** The next version of the app calls it by another name. */
export const renamed = internalMutationGeneric({
  args: { key: v.string() },
  handler: async (ctx: MutationCtx, { key }) => {
    await ctx.db.insert("effects", { key });
    return "by its old name";
  },
});

/** Each calls the one that throws. */
export const actThroughMutation = internalActionGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await ctx.runMutation(anyApi.jobs!.mutateThrough!, { key });
  },
});

export const mutateThrough = internalMutationGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await ctx.runMutation(anyApi.jobs!.mutate!, { key, fail: true });
  },
});

export const refuseWithData = internalMutationGeneric({
  args: { key: v.string() },
  handler: async (_ctx, { key }) => {
    throw new ConvexError({ code: "taken", key });
  },
});
