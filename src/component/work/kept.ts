/**
 * What is kept of works that have ended. The row of one that failed stays as long as its
 * outcome, with its arguments and its context, since it may be tried again under its id.
 * Both go together.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { deletePayload } from "./payload.js";
import { removeTags } from "./tags.js";

/** It stays as it was enqueued, with what its attempts have left. */
export async function keepEnded(
  ctx: MutationCtx,
  work: Doc<"work">,
  now: number,
): Promise<void> {
  const { attempts, lastError, history, hops } = work;
  await ctx.db.patch("work", work._id, {
    endedAt: now,
    attempts,
    lastError,
    history,
    hops,
    next: undefined,
    suspended: undefined,
    // Whatever still runs for it ends nothing.
    fence: (work.fence ?? 0) + 1,
    canceled: undefined,
    entryId: undefined,
    // One that somebody ended before its turn has none to wait for in its next round.
    follows: undefined,
    followedBy: undefined,
  });
}

export async function removeWork(
  ctx: MutationCtx,
  { _id, argsId }: Pick<Doc<"work">, "_id" | "argsId">,
): Promise<void> {
  await ctx.db.delete("work", _id);
  await deletePayload(ctx, argsId);
}

/** Removes an outcome, and the work if that was kept. */
export async function removeOutcome(
  ctx: MutationCtx,
  row: Doc<"complete">,
): Promise<void> {
  const { _id, workId, result, resultId, callback } = row;
  await ctx.db.delete("complete", _id);
  await removeTags(ctx, workId, row);
  await deletePayload(ctx, resultId);
  const work = result.kind === "failed" ? await keptWork(ctx, workId) : null;
  if (work) await removeWork(ctx, work);
  await deletePayload(
    ctx,
    work ? work.onComplete?.contextId : callback?.contextId,
  );
}

/** Null: it is not kept, or was never one that failed. */
export async function keptWork(
  ctx: QueryCtx,
  workId: Id<"work">,
): Promise<Doc<"work"> | null> {
  const work = await ctx.db.get("work", workId);
  return work?.endedAt === undefined ? null : work;
}

/** Null: it has not ended, or its outcome is not kept, or no longer. */
export async function outcomeOf(
  ctx: QueryCtx,
  workId: Id<"work">,
): Promise<Doc<"complete"> | null> {
  const row = await ctx.db
    .query("complete")
    .withIndex("by_work", (q) => q.eq("workId", workId))
    .unique();
  return row === null || isExpired(row, Date.now()) ? null : row;
}

/** Rows are swept up lazily; what is over its time is gone for readers. */
export function isExpired(
  { expiresAt }: Pick<Doc<"complete">, "expiresAt">,
  now: number,
): boolean {
  return expiresAt !== null && expiresAt <= now;
}
