/** What an attempt calls from inside its handler: thin, validated entry points. */
import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import { checkBeat, vAttemptState, vBeat } from "./beat.js";
import { vLate } from "./shared.js";
import { checkSuspendTimeout } from "./validateTime.js";
import { noteContinuation, noteSuspension, vNextAnswer } from "./work/next.js";
import { attemptState, recordBeat } from "./work/progress.js";

const vAttemptOf = {
  id: v.string(),
  /** Of the attempt. */
  fence: v.number(),
};

/** Whether the attempt still counts. */
export const listen = query({
  args: vAttemptOf,
  returns: vAttemptState,
  handler: async (ctx, { id, fence }) => await attemptState(ctx, id, fence),
});

/** A sign of life, which is written down; and the same answer. */
export const beat = mutation({
  args: { ...vAttemptOf, ...vBeat.fields },
  returns: vAttemptState,
  handler: async (ctx, { id, fence, ...beat }) => {
    checkBeat(beat);
    return await recordBeat(ctx, id, fence, beat);
  },
});

/** If the attempt succeeds, its work goes on with these arguments. */
export const continueWith = mutation({
  args: { ...vAttemptOf, fnArgs: v.any(), late: v.optional(vLate) },
  returns: vNextAnswer,
  handler: async (ctx, { id, fence, fnArgs, late }) =>
    await noteContinuation(ctx, id, fence, fnArgs, late ?? {}),
});

/** If the attempt succeeds, its work waits for somebody else to end it. */
export const suspend = mutation({
  args: { ...vAttemptOf, timeoutMs: v.number() },
  returns: vNextAnswer,
  handler: async (ctx, { id, fence, timeoutMs }) => {
    checkSuspendTimeout(timeoutMs);
    return await noteSuspension(ctx, id, fence, timeoutMs);
  },
});
