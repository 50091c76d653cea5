/**
 * The rows of keys go by sweeps: one in so many enqueues that take a key schedules one (`unique.ts`). So a
 * pool without unique works has none, an idle pool neither, and the table keeps about as many rows as hold.
 *
 * Two at the same time would delete the same rows, and one of them in vain: so each begins at a random
 * moment, its further pages too. When all of them began at once, a burst of 5,000 unique works deleted each row
 * of the burst before it twice (bench `unique-burst`: 3.3 documents written per work instead of 2).
 */
import { v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "../_generated/server.js";
import { TransactionBudget } from "../budget.js";
import { HOUR, SECOND } from "../shared.js";
import { liveWork } from "./live.js";
import { outcomeOf } from "./kept.js";

/** More than are enqueued between two sweeps, on average. */
const SWEEP_ROWS = 256;
/** Between the enqueue that wants a sweep and the sweep, and between two of its pages: at most. */
const SPREAD_MS = 30 * SECOND;
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
        await scheduleSweep(ctx);
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

export async function scheduleSweep(ctx: MutationCtx): Promise<void> {
  const wait = Math.random() * SPREAD_MS;
  await ctx.scheduler.runAfter(wait, internal.work.uniqueSweep.sweep, {});
}

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
