/**
 * Outcomes are kept for their `statusTtl` and then swept by ticks that run
 * anyway. Nothing is scheduled for it: a far-away scheduled function per
 * outcome would cost more than the row, and an idle pool makes no calls.
 */
import type { MutationCtx } from "./_generated/server.js";
import { deletePayload } from "./payload.js";

/** More than a tick ends works on average, so the table does not grow. */
const SWEEP_LIMIT = 64;
/** Deleting a payload reads it, a megabyte at worst, and the tick has other things to do. */
const MAX_PAYLOADS = 4;

/** Deletes some of what has expired. */
export async function sweepExpired(ctx: MutationCtx): Promise<void> {
  const expired = await ctx.db
    .query("complete")
    .withIndex("by_expiry", (q) =>
      // Null (a callback is owed) sorts before every number.
      q.gt("expiresAt", null).lte("expiresAt", Date.now()),
    )
    .take(SWEEP_LIMIT);
  let payloads = 0;
  for (const row of expired) {
    if (row.resultId && ++payloads > MAX_PAYLOADS) return;
    await deletePayload(ctx, row.resultId);
    await ctx.db.delete("complete", row._id);
  }
}
