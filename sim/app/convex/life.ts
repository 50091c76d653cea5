/** What the clients of a history of the profile `life` call, and what its works tell. */
import {
  anyApi,
  componentsGeneric,
  internalMutationGeneric,
  mutationGeneric,
} from "convex/server";
import { v } from "convex/values";
import {
  thisWork,
  vOnCompleteArgs,
  vOnFailedArgs,
  Workpool,
} from "../../../src/client/index.js";
import { type LifeSpec, vLifeSpec } from "./lifeSpecs.js";
import type { MutationCtx } from "./tallies.js";
import { declaredPool, poolNamed } from "./works.js";

const FUNCTIONS: Record<LifeSpec["fnType"], any> = {
  action: anyApi.lifeJobs!.act,
  mutation: anyApi.lifeJobs!.mutate,
  query: anyApi.lifeJobs!.read,
};

/** Each takes the function, its arguments and the options of its method, for a pool of this limit. */
function callOf(limit: number, spec: LifeSpec) {
  const { key, fnType, attached, callback, options } = spec;
  const declared = declaredPool(componentsGeneric(), "workpool", limit);
  const pool = new Workpool(declared.component, {
    ...declared.options,
    onFailed: anyApi.life!.alarm as any,
  }) as any;
  const name = fnType[0]!.toUpperCase() + fnType.slice(1);
  const fnArgs = { key, spec, ...(attached ? { work: thisWork } : {}) };
  const own =
    callback === "none"
      ? options
      : {
          ...options,
          onComplete: anyApi.life!.done,
          context: { key, isMoody: callback === "sometimes" },
        };
  return { pool, name, fn: FUNCTIONS[fnType], fnArgs, options: own };
}

export const submit = mutationGeneric({
  args: { limit: v.number(), specs: v.array(vLifeSpec) },
  handler: async (ctx: MutationCtx, { limit, specs }) => {
    for (const spec of specs) {
      const { pool, name, fn, fnArgs, options } = callOf(limit, spec);
      const workId = await pool[`enqueue${name}`](ctx, fn, fnArgs, options);
      await ctx.db.insert("enqueued", { key: spec.key, workId });
    }
  },
});

export const submitUnique = mutationGeneric({
  args: { limit: v.number(), spec: vLifeSpec, unique: v.any() },
  handler: async (ctx: MutationCtx, { limit, spec, unique }) => {
    const { pool, name, fn, fnArgs, options } = callOf(limit, spec);
    const at = Date.now();
    const method = `enqueueUnique${name}`;
    const { id, ...answer } = await pool[method](ctx, fn, fnArgs, {
      ...options,
      unique,
    });
    if (answer.isNew || answer.replaced) {
      await ctx.db.insert("enqueued", { key: spec.key, workId: id });
    }
    const told = { ...answer, unique };
    await note(ctx, "unique", id, told, at);
  },
});

async function note(
  ctx: MutationCtx,
  op: string,
  workId: string | null,
  answer: unknown,
  at = Date.now(),
): Promise<void> {
  await ctx.db.insert("lifeDone", { op, workId, answer, at });
}

/** What is done to the work of a key, by the name of the pool's method. */
export const tellOne = mutationGeneric({
  args: { op: v.string(), key: v.string(), options: v.optional(v.any()) },
  handler: async (ctx: MutationCtx, { op, key, options }) => {
    const row = await ctx.db
      .query("enqueued")
      .withIndex("by_key", (q) => q.eq("key", key))
      .first();
    if (row === null) return;
    const pool = poolNamed(componentsGeneric(), "workpool") as any;
    const { workId } = row;
    try {
      const answer = await pool[op](ctx, workId, options);
      await note(ctx, op, workId, answer);
    } catch (error) {
      // It would not be due before it expires.
      if (!/expireAt|expire/.test((error as Error).message)) throw error;
      await note(ctx, op, workId, "refused");
    }
  },
});

export const tellMany = mutationGeneric({
  args: { op: v.string(), filter: v.any() },
  handler: async (ctx: MutationCtx, { op, filter }) => {
    const pool = poolNamed(componentsGeneric(), "workpool") as any;
    await note(ctx, op, null, await pool[op](ctx, filter));
  },
});

/** An attempt of an action begins: the how many-th call of its handler it is. */
export const begin = internalMutationGeneric({
  args: { key: v.string(), spec: vLifeSpec },
  returns: v.number(),
  handler: async (ctx: MutationCtx, { key, spec }) => {
    const before = await ctx.db
      .query("lifeCalls")
      .withIndex("by_key", (q) => q.eq("key", key))
      .collect();
    const call = before.length + 1;
    const { does } = spec.deeds[Math.min(call, spec.deeds.length) - 1]!;
    await ctx.db.insert("lifeCalls", { key, call, does, at: Date.now() });
    return call;
  },
});

export const done = internalMutationGeneric({
  args: vOnCompleteArgs(v.object({ key: v.string(), isMoody: v.boolean() })),
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    const pool = poolNamed(componentsGeneric(), "workpool");
    const info = await pool.get(ctx, workId);
    const { kind } = result;
    await ctx.db.insert("outcomes", {
      key: context.key,
      workId,
      result: {
        kind,
        value: kind === "success" ? result.returnValue : null,
        state: info?.result?.kind ?? null,
        round: info?.round ?? null,
      },
    });
    if (context.isMoody && Math.random() < 0.4) throw new Error("not now");
  },
});

/** The pool's `onFailed`; it throws now and then. */
export const alarm = internalMutationGeneric({
  args: vOnFailedArgs,
  handler: async (ctx: MutationCtx, { workId, round }) => {
    await ctx.db.insert("alarms", { workId, round });
    if (Math.random() < 0.3) throw new Error("the tracker is away");
  },
});
