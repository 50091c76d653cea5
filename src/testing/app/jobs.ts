/** The app of the tests: functions that leave effects, fail on demand, and count who is in flight. */
import {
  anyApi,
  componentsGeneric,
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import {
  attemptOf,
  NonRetryableError,
  RateLimitedError,
  Snooze,
  vOnCompleteArgs,
  vOnFailedArgs,
  vThisWork,
  Workpool,
} from "../../client/index.js";

const jobs = anyApi.jobs!;

/** Handlers in flight, seen from inside: module state is shared within one test process. */
export const inFlight = { now: 0, most: 0 };

export const record = internalMutationGeneric({
  args: { kind: v.string(), key: v.string(), detail: v.optional(v.any()) },
  handler: async (ctx, effect) => {
    await ctx.db.insert("effects", effect);
  },
});

export const effects = internalQueryGeneric({
  args: { kind: v.string() },
  handler: async (ctx, { kind }) =>
    await ctx.db
      .query("effects")
      .withIndex("by_kind", (q) => q.eq("kind", kind))
      .collect(),
});

export const act = internalActionGeneric({
  args: {
    key: v.string(),
    ms: v.optional(v.number()),
    /** Attempts that fail before one succeeds. */
    failures: v.optional(v.number()),
    nonRetryable: v.optional(v.boolean()),
    resultBytes: v.optional(v.number()),
    padding: v.optional(v.string()),
  },
  handler: async (ctx, { key, ms, failures, nonRetryable, resultBytes }) => {
    inFlight.now += 1;
    inFlight.most = Math.max(inFlight.most, inFlight.now);
    try {
      const attempt: number = await ctx.runMutation(jobs.countAttempt!, {
        key,
      });
      if (ms) await new Promise((resolve) => setTimeout(resolve, ms));
      if (nonRetryable) throw new NonRetryableError(`${key} is hopeless`);
      if (attempt <= (failures ?? 0)) {
        throw new Error(`attempt ${attempt} of ${key} failed`);
      }
      return resultBytes ? "x".repeat(resultBytes) : `did ${key}`;
    } finally {
      inFlight.now -= 1;
    }
  },
});

export const countAttempt = internalMutationGeneric({
  args: { key: v.string() },
  returns: v.number(),
  handler: async (ctx, { key }) => {
    await ctx.db.insert("effects", { kind: "attempt", key });
    const all = await ctx.db
      .query("effects")
      .withIndex("by_key", (q) => q.eq("key", key))
      .collect();
    return all.filter(({ kind }) => kind === "attempt").length;
  },
});

export const mutate = internalMutationGeneric({
  args: {
    key: v.string(),
    fail: v.optional(v.boolean()),
    resultBytes: v.optional(v.number()),
  },
  handler: async (ctx, { key, fail, resultBytes }) => {
    await ctx.db.insert("effects", { kind: "mutation", key });
    if (fail) throw new Error(`${key} refused`);
    return resultBytes ? "x".repeat(resultBytes) : `wrote ${key}`;
  },
});

export const wrongReturn = internalMutationGeneric({
  args: { key: v.string() },
  returns: v.number(),
  handler: async (ctx, { key }) => {
    await ctx.db.insert("effects", { kind: "mutation", key });
    return "not a number" as unknown as number;
  },
});

export const read = internalQueryGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    const rows = await ctx.db
      .query("effects")
      .withIndex("by_key", (q) => q.eq("key", key))
      .collect();
    return rows.length;
  },
});

/** These three have nothing to do before `until`. */
const notBefore = { key: v.string(), until: v.number() };
function snoozeUntil(until: number): void {
  const ms = until - Date.now();
  if (ms > 0) throw new Snooze({ ms });
}
export const mutateFrom = internalMutationGeneric({
  args: notBefore,
  handler: async (ctx, { key, until }) => {
    await ctx.db.insert("effects", { kind: "mutation", key });
    snoozeUntil(until);
  },
});
export const readFrom = internalQueryGeneric({
  args: notBefore,
  handler: async (_, { until }) => snoozeUntil(until),
});
export const actFrom = internalActionGeneric({
  args: notBefore,
  handler: async (ctx, { key, until }) => {
    await ctx.runMutation(jobs.countAttempt!, { key });
    const retryAfterMs = until - Date.now();
    if (retryAfterMs > 0) throw new RateLimitedError({ retryAfterMs });
  },
});

/** Fail with data. */
const withData = {
  args: { key: v.string(), data: v.any() },
  handler: async (_: unknown, { data }: { data: any }) => {
    throw new ConvexError(data);
  },
};
export const actWithData = internalActionGeneric(withData);
export const mutateWithData = internalMutationGeneric(withData);

export const completed = internalMutationGeneric({
  args: vOnCompleteArgs(),
  handler: async (ctx, { workId, context, result }) => {
    await ctx.db.insert("effects", {
      kind: "completed",
      key: context?.key ?? workId,
      detail: { workId, context, result },
    });
  },
});

/** Makes the calls in its context, to the pool for example, by function handle. */
export const completedCalling = internalMutationGeneric({
  args: vOnCompleteArgs(),
  handler: async (ctx, { workId, context, result }) => {
    await ctx.db.insert("effects", {
      kind: "completed",
      key: context.key,
      detail: { workId, context, result },
    });
    for (const { handle, args } of context.calls) {
      await ctx.runMutation(handle, args);
    }
  },
});

/** Records what the pool says about the work that has just ended. */
export const completedAsking = internalMutationGeneric({
  args: vOnCompleteArgs(),
  handler: async (ctx, { workId, context }) => {
    const status = await ctx.runQuery(context.status, { id: workId });
    await ctx.db.insert("effects", {
      kind: "asked",
      key: context.key,
      detail: status,
    });
  },
});

/** Fails as long as no effect of kind "allow" with the same key exists. */
export const completedWhenAllowed = internalMutationGeneric({
  args: vOnCompleteArgs(),
  handler: async (ctx, { workId, context, result }) => {
    await ctx.db.insert("effects", {
      kind: "completed",
      key: context.key,
      detail: { workId, result },
    });
    const allowed = await ctx.db
      .query("effects")
      .withIndex("by_key", (q) => q.eq("key", context.key))
      .collect();
    if (!allowed.some(({ kind }) => kind === "allow")) {
      throw new Error("the callback is not allowed yet");
    }
  },
});

/** Of failures: fails as long as no effect of kind "allow" with its error as the key exists. */
export const toldWhenAllowed = internalMutationGeneric({
  args: vOnFailedArgs,
  handler: async (ctx, notice) => {
    const key = notice.error;
    await ctx.db.insert("effects", { kind: "told", key, detail: notice });
    const allowed = await ctx.db
      .query("effects")
      .withIndex("by_key", (q) => q.eq("key", key))
      .collect();
    if (!allowed.some(({ kind }) => kind === "allow")) {
      throw new Error("the tracker is away");
    }
  },
});

/** Notes how long the texts in context and result are: both together do not fit into one document. */
export const completedLengths = internalMutationGeneric({
  args: vOnCompleteArgs(v.object({ text: v.string() }), v.string()),
  handler: async (ctx, { workId, context, result }) => {
    await ctx.db.insert("effects", {
      kind: "completed",
      key: workId,
      detail: {
        context: context.text.length,
        returnValue: result.kind === "success" && result.returnValue.length,
      },
    });
  },
});

/** Records which attempt it is. */
export const tellAttempt = internalActionGeneric({
  args: {
    key: v.string(),
    /** Attempts that fail before one succeeds. */
    failures: v.optional(v.number()),
    work: vThisWork,
  },
  handler: async (ctx, { key, failures = 0, work }) => {
    const detail = { ...attemptOf(work), at: Date.now() };
    await ctx.runMutation(jobs.record!, { kind: "told", key, detail });
    if (detail.number <= failures) throw new Error("not yet");
  },
});

export const mutateTold = internalMutationGeneric({
  args: { key: v.string(), work: vThisWork },
  handler: async (_ctx, { work }) => attemptOf(work),
});

export const readTold = internalQueryGeneric({
  args: { key: v.string(), work: vThisWork },
  handler: async (_ctx, { work }) => attemptOf(work),
});

const pool = new Workpool(componentsGeneric().workpool as any);

export const attached = pool.defineAction({
  args: { key: v.string() },
  handler: async (ctx, { key }, { id, number }): Promise<void> => {
    const detail = { id, number };
    await ctx.runMutation(jobs.record!, { kind: "told", key, detail });
  },
});

/** A mutation that enqueues one more run of itself, once. */
export const mutateAgain = internalMutationGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await ctx.db.insert("effects", { kind: "mutation", key });
    if (key !== "first") return null;
    return await pool.enqueueUniqueMutation(
      ctx,
      jobs.mutateAgain!,
      { key: "second" },
      { unique: { key: "again", scope: "active", onDuplicate: "runAgain" } },
    );
  },
});
