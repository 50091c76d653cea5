/**
 * What an attempt says of itself while it runs. One row for each work that says anything, written by
 * nobody but its attempts and deleted with the end of the work; only works that were enqueued
 * with a late value (`wire.ts`) can have one.
 *
 * A beat reads the row of the work, so that none is written once the attempt is over. What an
 * attempt before has said is over with its fence: nobody need delete it.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import type { AttemptState, Beat } from "../beat.js";
import { liveWork } from "./live.js";

/** Any string will do for `id`. Null: the attempt is over. */
export async function attemptedWork(
  ctx: QueryCtx,
  id: string,
  fence: number,
): Promise<Doc<"work"> | null> {
  const workId = ctx.db.normalizeId("work", id);
  const work = workId && (await liveWork(ctx, workId));
  return work && (work.fence ?? 0) === fence ? work : null;
}

/** What the attempt of this fence is worth. */
export async function attemptState(
  ctx: QueryCtx,
  id: string,
  fence: number,
): Promise<AttemptState> {
  const work = await attemptedWork(ctx, id, fence);
  if (!work) return "superseded";
  return work.canceled ? "canceled" : "goesOn";
}

/** Writes the beat down, unless the attempt is over. */
export async function recordBeat(
  ctx: MutationCtx,
  id: string,
  fence: number,
  beat: Beat,
): Promise<AttemptState> {
  const work = await attemptedWork(ctx, id, fence);
  // Of the others, the end deletes no row.
  if (!work?.late || work.fnType !== "action") return "superseded";
  const row = await rowOf(ctx, work);
  const before = row?.fence === fence ? row : null;
  const now = Date.now();
  const { heartbeatTimeoutMs } = work;
  const fields = {
    workId: work._id,
    fence,
    beatAt: now,
    ...(heartbeatTimeoutMs === undefined
      ? {}
      : { freezesAt: now + heartbeatTimeoutMs }),
    progress: beat.progress ?? before?.progress,
    step: beat.step ?? before?.step,
  };
  if (row) await ctx.db.replace("progress", row._id, fields);
  else await ctx.db.insert("progress", fields);
  return work.canceled ? "canceled" : "goesOn";
}

/** Undefined: its present attempt has said nothing yet. */
export async function progressOf(
  ctx: QueryCtx,
  work: Doc<"work">,
): Promise<(Beat & { beatAt: number }) | undefined> {
  const row = await rowOf(ctx, work);
  if (row?.fence !== (work.fence ?? 0)) return undefined;
  const { progress, step, beatAt } = row;
  return {
    ...(progress === undefined ? {} : { progress }),
    ...(step === undefined ? {} : { step }),
    beatAt,
  };
}

export async function removeProgress(
  ctx: MutationCtx,
  work: Doc<"work">,
): Promise<void> {
  const row = await rowOf(ctx, work);
  if (row) await ctx.db.delete("progress", row._id);
}

function rowOf(
  ctx: QueryCtx,
  work: Pick<Doc<"work">, "_id">,
): Promise<Doc<"progress"> | null> {
  return ctx.db
    .query("progress")
    .withIndex("by_work", (q) => q.eq("workId", work._id))
    .unique();
}
