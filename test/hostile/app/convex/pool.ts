/** The pool as an app uses it, with whatever it is given. */
import {
  actionGeneric,
  anyApi,
  componentsGeneric,
  createFunctionHandle,
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { convexToJson, v } from "convex/values";
import { attemptOf, Workpool } from "../../../../src/client/index.js";
import { revive } from "./odd.js";

const components = componentsGeneric() as any;

export const act = internalActionGeneric({ handler: async () => null });
export const mutate = internalMutationGeneric({ handler: async () => null });
export const read = internalQueryGeneric({ handler: async () => null });
/** Give back what they are given. */
const echoing = { handler: async (_ctx: unknown, args: any) => args };
export const echoAction = internalActionGeneric(echoing);
export const echoMutation = internalMutationGeneric(echoing);
export const echoQuery = internalQueryGeneric(echoing);
/** Writes down what it was told; fails for as long as there is no note "ready". */
export const told = internalMutationGeneric({
  handler: async (ctx, args: any) => {
    const notes = await ctx.db.query("notes").collect();
    if (!notes.some(({ text }) => text === "ready")) throw new Error("not yet");
    const text = JSON.stringify(convexToJson(args));
    await ctx.db.insert("notes", { text });
  },
});
export const failing = internalActionGeneric({
  handler: async () => {
    throw new Error("as ever");
  },
});

export const handleOf = queryGeneric({
  args: { name: v.string() },
  handler: async (_ctx, { name }) =>
    await createFunctionHandle((anyApi.pool as any)[name]),
});

/** `pool[method](ctx, ...args)`; what `odd.ts` names is made here. */
const call = {
  args: {
    method: v.string(),
    pool: v.optional(v.any()),
    args: v.array(v.any()),
  },
  handler: async (ctx: unknown, { method, pool, args }: any) => {
    const workpool = new Workpool(components.workpool, pool ?? {}) as any;
    return await workpool[method](ctx, ...args.map(revive));
  },
};

export const inMutation = mutationGeneric(call);
export const inAction = actionGeneric(call);
export const inQuery = queryGeneric(call);

/** A work that gives back its arguments, and whose callback writes down what it was told. */
export const echo = mutationGeneric({
  handler: async (ctx, { kind, fnArgs, context }: any) => {
    const { pool } = anyApi;
    const workpool = new Workpool(components.workpool, {}) as any;
    return await workpool[`enqueue${kind}`](ctx, pool![`echo${kind}`], fnArgs, {
      onComplete: pool!.told,
      context,
      statusTtl: 60_000,
    });
  },
});

const pool = () => new Workpool(components.workpool, {});

/** Runs until there is a note "let go"; notes who it is. */
export const holding = internalActionGeneric({
  handler: async (ctx, { work }: any) => {
    await ctx.runMutation(anyApi.notes!.add as any, { text: `holds ${work}` });
    while (
      !(await ctx.runQuery(anyApi.notes!.has as any, { text: "let go" }))
    ) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return null;
  },
});

/** Is suspended until somebody ends it. */
export const suspending = internalActionGeneric({
  handler: async (ctx, { work }: any) =>
    await pool().suspend(ctx, work, { timeoutMs: 24 * 60 * 60_000 }),
});

/** A heartbeat of whatever attempt `work` names. */
export const beat = actionGeneric({
  handler: async (ctx, { work, beat }: any) =>
    await pool().attach(ctx, work, async (attempt) => {
      await attempt.heartbeat(revive(beat) as any);
      return attempt.id;
    }),
});

/** What `work` names. */
export const attempt = queryGeneric({
  handler: async (_ctx, { work }: any) => attemptOf(revive(work) as any),
});
