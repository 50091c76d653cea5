/**
 * Works with a tag, in the order in which they were enqueued, newest first: each tag of a work has a
 * row, which says what work that is. What the row says no more (the work has ended, and
 * its outcome is not kept) is gone with it.
 */
import type { QueryStream } from "convex-helpers/server/stream";
import type { Doc } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { outcomeOf } from "../work/kept.js";

/** Of the rows of one tag: each costs itself, a work, and an outcome or an entry of the queue. */
export const MAX_TAGGED = 30;
export const DOCUMENTS_EACH = 3;

/** The works of these tags, or their outcomes. */
export function tagged(
  ctx: QueryCtx,
  tags: QueryStream<Doc<"tag">>,
): QueryStream<Doc<"work"> | Doc<"complete">> {
  return tags.map(async ({ workId }) => {
    const work = await ctx.db.get("work", workId);
    const isLive = work !== null && work.endedAt === undefined;
    return isLive ? work : await outcomeOf(ctx, workId);
  });
}
