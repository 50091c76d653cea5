/** The loop's own row. */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { internal } from "../_generated/api.js";
import { lateEntries } from "../queue/expiring.js";
import { cursorAfter } from "../timeCursor.js";
import { NOTHING } from "../tally.js";
import { START } from "./scan.js";

export async function getOrCreateState(
  ctx: MutationCtx,
  now: number,
): Promise<Doc<"loopState">> {
  const row = await ctx.db.query("loopState").first();
  if (row) return row;
  const id: Id<"loopState"> = await ctx.db.insert("loopState", {
    ready: START,
    later: START,
    scanFrom: { later: 0 },
    assigned: [],
    nextTickAt: now,
    lastTurnAt: now,
    lastWorkAt: 0,
    recentTurns: { since: now, count: 0 },
    watch: null,
    reschedules: { since: now, count: 0 },
    totals: { since: now, tally: NOTHING },
  });
  return (await ctx.db.get("loopState", id))!;
}

/**
 * Whether works wait that may not begin any more; the scan notes how far there are none.
 *
 * @returns where the scan for them begins. Null: there are none.
 */
export async function lookForLate(
  ctx: QueryCtx,
  { scanFrom }: Pick<Doc<"loopState">, "scanFrom">,
  now: number,
): Promise<number | null> {
  const { startBy: cursor } = scanFrom;
  const late = await lateEntries(ctx, now, cursor).first();
  scanFrom.startBy = cursorAfter(late?.startBy ?? null, now);
  return late && scanFrom.startBy;
}

/** From here on this `watch` is the one that counts. */
export async function scheduleWatch(
  ctx: MutationCtx,
  state: Doc<"loopState">,
  at: number,
): Promise<void> {
  const watch = internal.loop.watch.watch;
  const scheduledId = await ctx.scheduler.runAt(at, watch, { at });
  state.watch = { at, scheduledId };
}
