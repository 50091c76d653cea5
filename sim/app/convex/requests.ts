/** What the tests call. */
import {
  type GenericQueryCtx,
  actionGeneric,
  anyApi,
  componentsGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { vWorkId } from "../../../src/client/index.js";
import type { DataModel, MutationCtx } from "./tallies.js";
import {
  enqueueInOneCall,
  enqueueWork,
  optionsOf,
  poolNamed,
  vPoolName,
  vWork,
} from "./works.js";

const components = componentsGeneric() as any;
const pool = v.optional(vPoolName);

/** One after the other, in one transaction. */
export const enqueue = mutationGeneric({
  args: {
    pool,
    works: v.array(vWork),
    /** How many steps the mutation makes before it commits. */
    dawdle: v.optional(v.number()),
  },
  handler: async (
    ctx: MutationCtx,
    { pool = "workpool", works, dawdle = 0 },
  ) => {
    const ids: string[] = [];
    for (const work of works) {
      ids.push(await enqueueWork(ctx, poolNamed(components, pool), work));
    }
    for (let step = 0; step < dawdle; step++) {
      await ctx.runQuery(anyApi.attempts!.isOpen!, { key: "" });
    }
    return ids;
  },
});

/** The same in one call of the component: works that become pending together share rows. */
export const enqueueTogether = mutationGeneric({
  args: { works: v.array(vWork) },
  handler: (ctx: MutationCtx, { works }) => enqueueInOneCall(ctx, works),
});

export const enqueueAndFail = mutationGeneric({
  args: { works: v.array(vWork) },
  handler: async (ctx: MutationCtx, { works }) => {
    for (const work of works) {
      await enqueueWork(ctx, poolNamed(components, "workpool"), work);
    }
    throw new Error("all or nothing");
  },
});

/** As a batch of the same function with the same options. */
export const enqueueBatch = mutationGeneric({
  args: {
    fn: v.string(),
    argsArray: v.array(v.any()),
    onComplete: v.union(v.string(), v.null()),
  },
  handler: async (ctx: MutationCtx, { fn, argsArray, onComplete }) =>
    await poolNamed(components, "workpool").enqueueActionBatch(
      ctx,
      anyApi.jobs![fn] as any,
      argsArray,
      optionsOf({ args: { key: "batch" }, onComplete }),
    ),
});

/** From an action, each in a transaction of its own. */
export const enqueueFromAction = actionGeneric({
  args: { works: v.array(vWork) },
  handler: async (ctx, { works }) =>
    await Promise.all(
      works.map((work) =>
        enqueueWork(ctx, poolNamed(components, "workpool"), work),
      ),
    ),
});

export const cancel = mutationGeneric({
  args: { pool, id: vWorkId },
  handler: async (ctx: MutationCtx, { pool = "workpool", id }) =>
    await poolNamed(components, pool).cancel(ctx, id),
});

export const cancelAll = mutationGeneric({
  args: { limit: v.optional(v.number()) },
  handler: async (ctx: MutationCtx, options) =>
    await poolNamed(components, "workpool").cancelAll(ctx, options),
});

export const kick = mutationGeneric({
  args: {},
  handler: async (ctx: MutationCtx) =>
    await poolNamed(components, "workpool").kick(ctx),
});

/** At run time; null goes back to what the code declares. */
export const setLimit = mutationGeneric({
  args: { pool, maxParallelism: v.union(v.number(), v.null()) },
  handler: async (ctx, { pool = "workpool", maxParallelism }) => {
    await ctx.runMutation(components[pool].config.update, { maxParallelism });
  },
});

export const status = queryGeneric({
  args: { pool, id: vWorkId },
  handler: async (ctx, { pool = "workpool", id }) =>
    await poolNamed(components, pool).status(ctx, id),
});

export const statusBatch = queryGeneric({
  args: { ids: v.array(vWorkId) },
  handler: async (ctx, { ids }) =>
    await poolNamed(components, "workpool").statusBatch(ctx, ids),
});

export const get = queryGeneric({
  args: { pool, id: vWorkId },
  handler: async (ctx, { pool = "workpool", id }) =>
    await poolNamed(components, pool).get(ctx, id),
});

export const health = queryGeneric({
  args: { pool },
  handler: async (ctx, { pool = "workpool" }) =>
    await poolNamed(components, pool).health(ctx),
});

/** What is said of the pool and of each of the works, at one moment. */
export const survey = queryGeneric({
  args: { ids: v.array(vWorkId) },
  handler: async (ctx, { ids }) => {
    const pool = poolNamed(components, "workpool");
    const states: string[] = [];
    for (const id of ids) {
      states.push((await pool.get(ctx, id))?.state ?? "finished");
    }
    return { health: await pool.health(ctx), states };
  },
});

/** An effect that no work has had. */
export const put = mutationGeneric({
  args: { key: v.string() },
  handler: async (ctx: MutationCtx, { key }) => {
    await ctx.db.insert("effects", { key });
  },
});

/** What has become of everything, in the order of the commits. */
export const progress = queryGeneric({
  args: {},
  handler: async ({ db }: GenericQueryCtx<DataModel>) => ({
    outcomes: (await db.query("outcomes").collect()).map(({ key, result }) => [
      key,
      result.kind,
    ]),
    effects: (await db.query("effects").collect()).map(({ key }) => key),
  }),
});
