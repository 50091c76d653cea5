/** What runs when works have ended. Each leaves one row in `outcomes` for each time its transaction commits. */
import {
  anyApi,
  componentsGeneric,
  internalMutationGeneric,
} from "convex/server";
import { v } from "convex/values";
import { vOnCompleteArgs, vWorkId } from "../../../src/client/index.js";
import { scheduleTooMuch } from "./jobs.js";
import { submitEach } from "./submissions.js";
import { count, type MutationCtx } from "./tallies.js";
import { enqueueWork, poolNamed, vWork } from "./works.js";

const keyed = vOnCompleteArgs(v.object({ key: v.string() }));

type Outcome = { key: string; workId: string; result: unknown };

async function keep(ctx: MutationCtx, outcome: Outcome): Promise<void> {
  await ctx.db.insert("outcomes", outcome);
}

export const record = internalMutationGeneric({
  args: keyed,
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    await keep(ctx, { key: context.key, workId, result });
  },
});

/** All of them write one row. */
export const recordAndCount = internalMutationGeneric({
  args: keyed,
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    await keep(ctx, { key: context.key, workId, result });
    await count(ctx, "callbacks");
  },
});

/** Throws two times out of five, after it has written. */
export const recordSometimes = internalMutationGeneric({
  args: keyed,
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    await keep(ctx, { key: context.key, workId, result });
    if (Math.random() < 0.4) throw new Error("not this time");
  },
});

export const recordAndFail = internalMutationGeneric({
  args: keyed,
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    await keep(ctx, { key: context.key, workId, result });
    throw new Error("never");
  },
});

/** Throws, after it has written, until somebody opens the gate of its key. */
export const recordWhenOpen = internalMutationGeneric({
  args: keyed,
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    const { key } = context;
    await keep(ctx, { key, workId, result });
    if (!(await ctx.runQuery(anyApi.attempts!.isOpen!, { key }))) {
      throw new Error("the gate is closed");
    }
  },
});

/** Enqueues further works and cancels others, in the transaction of the outcome. */
export const recordAndGoOn = internalMutationGeneric({
  args: vOnCompleteArgs(
    v.object({
      key: v.string(),
      works: v.array(vWork),
      cancel: v.array(vWorkId),
    }),
  ),
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    await keep(ctx, { key: context.key, workId, result });
    const pool = poolNamed(componentsGeneric(), "workpool");
    for (const work of context.works) await enqueueWork(ctx, pool, work);
    for (const id of context.cancel) await pool.cancel(ctx, id);
  },
});

/** Enqueues further works as clients do. */
export const recordAndSubmit = internalMutationGeneric({
  args: vOnCompleteArgs(v.object({ key: v.string(), works: v.array(vWork) })),
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    await keep(ctx, { key: context.key, workId, result });
    await submitEach(ctx, context.works);
  },
});

export const recordAndExceed = internalMutationGeneric({
  args: keyed,
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    await keep(ctx, { key: context.key, workId, result });
    await scheduleTooMuch(ctx);
  },
});

/** Uses up a part of what one transaction may schedule. */
export const recordAndSchedule = internalMutationGeneric({
  args: vOnCompleteArgs(v.object({ key: v.string(), count: v.number() })),
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    await keep(ctx, { key: context.key, workId, result });
    for (let count = 0; count < context.count; count++) {
      await ctx.scheduler.runAfter(0, anyApi.attempts!.nothing!, {});
    }
  },
});

export const recordAndHang = internalMutationGeneric({
  args: keyed,
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    await keep(ctx, { key: context.key, workId, result });
    await new Promise(() => {});
  },
});

/** The next version of the app does not have it any more. */
export const recordAndVanish = internalMutationGeneric({
  args: keyed,
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    await keep(ctx, { key: context.key, workId, result });
  },
});

/** Keeps only how much it was given. */
export const recordSize = internalMutationGeneric({
  args: vOnCompleteArgs(v.object({ key: v.string(), padding: v.string() })),
  handler: async (ctx: MutationCtx, { workId, context, result }) => {
    const { key, padding } = context;
    const size = result.kind === "success" ? result.returnValue.length : result;
    await keep(ctx, { key, workId, result: { size, context: padding.length } });
  },
});
