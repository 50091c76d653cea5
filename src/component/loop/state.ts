/** The loop's own row. */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { NOTHING } from "../executor/results.js";
import { START } from "./look.js";

export async function getOrCreateState(
  ctx: MutationCtx,
  now: number,
): Promise<Doc<"loopState">> {
  const row = await ctx.db.query("loopState").first();
  if (row) return row;
  const id: Id<"loopState"> = await ctx.db.insert("loopState", {
    ready: START,
    later: START,
    dueFrom: 0,
    assigned: [],
    driver: null,
    nextTickAt: now,
    lastTurnAt: now,
    lastWorkAt: 0,
    parkedTicks: { since: now, count: 0 },
    guardAt: null,
    reschedules: { since: now, count: 0 },
    totals: NOTHING,
    lastReportAt: now,
  });
  return (await ctx.db.get("loopState", id))!;
}
