/** What the clients of a simulated history call. Whatever they do leaves a trace in the same transaction. */
import {
  actionGeneric,
  anyApi,
  componentsGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { vWorkId } from "../../../src/client/index.js";
import { noteSubmitted, submitEach } from "./submissions.js";
import type { MutationCtx } from "./tallies.js";
import { enqueueInOneCall, poolNamed, vWork } from "./works.js";

const pool = () => poolNamed(componentsGeneric() as any, "workpool");

export const submit = mutationGeneric({
  args: {
    works: v.array(vWork),
    /** In one call of the component, or each in its own. */
    together: v.boolean(),
    /** How many steps the mutation makes before it commits. */
    dawdle: v.number(),
    /** Then nothing of all this has happened. */
    fail: v.boolean(),
  },
  handler: async (ctx: MutationCtx, { works, together, dawdle, fail }) => {
    if (together) {
      const ids = await enqueueInOneCall(ctx, works);
      await noteSubmitted(ctx, works, ids);
    } else {
      await submitEach(ctx, works);
    }
    for (let step = 0; step < dawdle; step++) {
      await ctx.runQuery(anyApi.attempts!.isOpen!, { key: "" });
    }
    if (fail) throw new Error("all or nothing");
  },
});

/** From an action, each in a transaction of its own. */
export const submitFromAction = actionGeneric({
  args: { works: v.array(vWork) },
  handler: async (ctx, { works }) => {
    const options = { together: false, dawdle: 0, fail: false };
    await Promise.all(
      works.map((work) =>
        ctx.runMutation(anyApi.clients!.submit!, { works: [work], ...options }),
      ),
    );
  },
});

export const cancel = mutationGeneric({
  args: { key: v.string() },
  handler: async (ctx: MutationCtx, { key }) => {
    const submitted = await ctx.db
      .query("enqueued")
      .withIndex("by_key", (q) => q.eq("key", key))
      .first();
    if (submitted === null) return;
    const id = submitted.workId as any;
    const status = await pool().status(ctx, id);
    await pool().cancel(ctx, id);
    await ctx.db.insert("cancels", {
      key,
      was: status.state,
      attempts: status.state === "finished" ? 0 : status.previousAttempts,
    });
  },
});

export const cancelAll = mutationGeneric({
  args: { limit: v.number() },
  handler: async (ctx: MutationCtx, { limit }) => {
    await pool().cancelAll(ctx, { limit });
  },
});

/** The state of each in three ways, which must agree. */
export const look = queryGeneric({
  args: { ids: v.array(vWorkId) },
  handler: async (ctx, { ids }) => {
    const states = await pool().statusBatch(ctx, ids);
    return await Promise.all(
      ids.map(async (id, index) => ({
        batch: states[index]!.state,
        single: (await pool().status(ctx, id)).state,
        info: (await pool().get(ctx, id))?.state ?? null,
      })),
    );
  },
});

export const submitted = queryGeneric({
  args: {},
  handler: async (ctx) =>
    (await ctx.db.query("enqueued").collect()).map(({ workId }) => workId),
});

/** Not of the pool: takes up a permit for some time. */
export const occupy = actionGeneric({
  args: { ms: v.number() },
  handler: async (_ctx, { ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
  },
});
