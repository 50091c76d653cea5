/** The jobs, as pools call them. */
import { v } from "convex/values";
import { internalAction, internalMutation } from "./functions.js";
import {
  act,
  actTimed,
  countOutcome,
  recordOutcome,
  recordTimes,
  write,
} from "./work.js";

export const vActionArgs = v.object({
  id: v.number(),
  ms: v.optional(v.number()),
  failures: v.optional(v.number()),
  failsUntil: v.optional(v.number()),
  beatEveryMs: v.optional(v.number()),
  data: v.optional(v.string()),
});

export const action = internalAction({
  args: vActionArgs,
  returns: v.null(),
  handler: async (_ctx, args) => {
    await act(args);
    return null;
  },
});

export const vTimes = v.object({
  id: v.number(),
  started: v.number(),
  ended: v.number(),
});

/** Says when it ran, for deployments that nobody can look into. */
export const timedAction = internalAction({
  args: vActionArgs,
  returns: vTimes,
  handler: async (_ctx, args) => await actTimed(args),
});

export const mutation = internalMutation({
  args: { id: v.number() },
  returns: v.null(),
  handler: async (ctx, { id }) => {
    await write(ctx, id);
    return null;
  },
});

/** What a completion callback is given. */
export const vOutcome = v.object({
  workId: v.string(),
  context: v.optional(v.any()),
  result: v.object({
    kind: v.string(),
    returnValue: v.optional(v.any()),
    error: v.optional(v.string()),
  }),
});

export const recorded = internalMutation({
  args: vOutcome,
  returns: v.null(),
  handler: async (ctx, { workId, result }) => {
    await recordOutcome(ctx, workId, result.kind);
    return null;
  },
});

export const counted = internalMutation({
  args: vOutcome,
  returns: v.null(),
  handler: async (ctx) => {
    await countOutcome(ctx);
    return null;
  },
});

/** Nobody mends it. */
export const broken = internalMutation({
  args: vOutcome,
  returns: v.null(),
  handler: async () => {
    throw new Error("This callback was meant to fail");
  },
});

/** Of {@link timedAction}; the context is when it was enqueued. */
export const timed = internalMutation({
  args: vOutcome,
  returns: v.null(),
  handler: async (ctx, { context, result }) => {
    if (result.kind === "success") {
      await recordTimes(ctx, context, result.returnValue);
    }
    return null;
  },
});
