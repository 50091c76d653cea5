/**
 * Works that have not ended. The row of one that failed and whose outcome is kept stays, so
 * that the work can be tried again under its id (`kept.ts`): for everybody else it is over.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";

/** Null: it has ended, or there never was such a work. */
export async function liveWork(
  ctx: QueryCtx,
  workId: Id<"work">,
): Promise<Doc<"work"> | null> {
  const work = await ctx.db.get("work", workId);
  return work?.endedAt === undefined ? work : null;
}
