/** The loop's own row. */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { internal } from "../_generated/api.js";
import { lateEntries } from "../queue/expiring.js";
import { cursorAfter } from "../timeCursor.js";
import { NOTHING } from "../tally.js";
import type { View } from "./look.js";
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
 * Whether works wait that may not begin any more. How far there are none is noted where
 * there are such works at all: others pay no byte for it.
 *
 * @returns where the scan for them begins. Null: there are none.
 */
export async function lookForLate(
  ctx: QueryCtx,
  { scanFrom }: Pick<Doc<"loopState">, "scanFrom">,
  { ready, due }: Pick<View, "ready" | "due">,
  now: number,
): Promise<number | null> {
  const late = await lateEntries(ctx, now, scanFrom.startBy).first();
  const from = cursorAfter(late?.startBy ?? null, now);
  const isUsed =
    late !== null ||
    scanFrom.startBy !== undefined ||
    [...ready, ...due].some(({ startBy }) => startBy !== undefined);
  if (isUsed) scanFrom.startBy = from;
  return late && from;
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
