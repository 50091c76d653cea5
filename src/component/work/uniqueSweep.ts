/**
 * The rows of keys go by sweeps: one in so many enqueues that take a key schedules one (`unique.ts`). So a
 * pool without unique works has none, an idle pool neither, and the table keeps about as many rows as hold.
 */
import { v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "../_generated/server.js";
import { TransactionBudget } from "../budget.js";
import { HOUR } from "../shared.js";
import { liveWork } from "./live.js";
import { outcomeOf } from "./kept.js";

/** More than are enqueued between two sweeps, on average. */
const SWEEP_ROWS = 256;
/** One whose work was not over is looked at again. */
const NEXT_LOOK_MS = HOUR;

/** Deletes some of the rows whose works are over. Where there are more, it schedules itself again. */
export const sweep = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx): Promise<null> => {
    const now = Date.now();
    const budget = new TransactionBudget(ctx, {
      works: SWEEP_ROWS,
      bytes: 8_000_000,
    });
    const rows = ctx.db
      .query("unique")
      .withIndex("by_sweep", (q) => q.lte("sweepAt", now));
    for await (const row of rows) {
      if (!(await budget.hasRoom())) {
        await ctx.scheduler.runAfter(0, internal.work.uniqueSweep.sweep, {});
        break;
      }
      budget.spend(1);
      const heldUntil = await heldUntilOf(ctx, row, now);
      if (heldUntil === null) await ctx.db.delete("unique", row._id);
      else await ctx.db.patch("unique", row._id, { sweepAt: heldUntil });
    }
    return null;
  },
});

/** When it may be over, under whichever scope. Null: it is. */
async function heldUntilOf(
  ctx: MutationCtx,
  { workId, before, windowEndsAt = 0 }: Doc<"unique">,
  now: number,
): Promise<number | null> {
  if (windowEndsAt > now) return windowEndsAt;
  for (const id of [workId, before]) {
    if (id === undefined) continue;
    if (await liveWork(ctx, id)) return now + NEXT_LOOK_MS;
    const outcome = await outcomeOf(ctx, id);
    if (outcome) return outcome.expiresAt ?? now + NEXT_LOOK_MS;
  }
  return null;
}
