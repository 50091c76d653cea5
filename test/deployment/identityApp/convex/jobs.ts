/** Works that are attached to their attempts, and works that are unique. */
import { anyApi, internalActionGeneric } from "convex/server";
import { v } from "convex/values";
import { AttemptAbortedError } from "../../../../src/client/index.js";
import { pool } from "./pool.js";

const requests = anyApi.requests!;

/** Says after each step how far it is; ends early when it is aborted. */
export const steps = pool.defineAction({
  args: {
    key: v.string(),
    steps: v.number(),
    stepMs: v.number(),
    /** Its attempts before this one fail after their steps. */
    failsBefore: v.optional(v.number()),
  },
  handler: async (
    ctx,
    { key, steps, stepMs, failsBefore = 1 },
    attempt,
  ): Promise<string> => {
    const began = Date.now();
    try {
      for (let step = 1; step <= steps; step++) {
        await new Promise((resolve) => setTimeout(resolve, stepMs));
        await attempt.heartbeat({ progress: step / steps, step: `${step}` });
      }
    } catch (error) {
      if (!(error instanceof AttemptAbortedError)) throw error;
      const detail = { kind: error.kind, afterMs: Date.now() - began };
      await ctx.runMutation(requests.note!, { key, detail });
      throw error;
    }
    if (attempt.number < failsBefore) throw new Error("not yet");
    return "all steps";
  },
});

/** Says nothing, and waits for its signal. */
export const untilAborted = pool.defineAction({
  args: { key: v.string(), ms: v.number() },
  handler: async (ctx, { key, ms }, { signal }): Promise<void> => {
    const began = Date.now();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    const kind = signal.aborted ? signal.reason.kind : "not aborted";
    const detail = { kind, afterMs: Date.now() - began };
    await ctx.runMutation(requests.note!, { key, detail });
  },
});

export const wait = internalActionGeneric({
  args: { key: v.string(), ms: v.number() },
  handler: async (_ctx, { ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
  },
});

/** Goes on with the next page until the last; each page fails at first, if that is wanted. */
export const pages = pool.defineAction({
  args: {
    key: v.string(),
    page: v.number(),
    last: v.number(),
    ms: v.number(),
    failsFirst: v.optional(v.boolean()),
  },
  handler: async (ctx, args, { work, number }): Promise<string> => {
    const { key, page, last, ms, failsFirst } = args;
    if (page < last) {
      await pool.continueWith(ctx, work, { ...args, page: page + 1 });
    }
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (failsFirst && number === 1) throw new Error("not yet");
    await ctx.runMutation(requests.note!, { key, detail: page });
    return `page ${page}`;
  },
});

/** Beats once in its first attempt, and then hangs; the next one succeeds at once. */
export const hangs = pool.defineAction({
  args: { key: v.string(), ms: v.number() },
  handler: async (_ctx, { ms }, attempt): Promise<string> => {
    if (attempt.number > 1) return "at the second";
    await attempt.heartbeat({ step: "the last" });
    await new Promise((resolve) => setTimeout(resolve, ms));
    return "late";
  },
});

/** Leaves it to somebody else to end its work. */
export const suspends = pool.defineAction({
  args: { key: v.string(), ms: v.number(), timeoutMs: v.number() },
  handler: async (ctx, { ms, timeoutMs }, { work }): Promise<string> => {
    await pool.suspend(ctx, work, { timeoutMs });
    await new Promise((resolve) => setTimeout(resolve, ms));
    return "dropped";
  },
});
