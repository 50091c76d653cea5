/** The periodic report: one log line a minute while works end. */
import { v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import { internalQuery, type MutationCtx } from "../_generated/server.js";
import { addTally, NOTHING } from "../tally.js";
import { type Logger, recordReport, shouldLog } from "../logging.js";
import { MINUTE } from "../shared.js";
import type { View } from "./look.js";
import { executorViews } from "./executorViews.js";

/** The backlog is counted up to this many entries; beyond it the exact number matters to nobody. */
const MAX_COUNTED_ENTRIES = 1000;

export async function reportIfDue(
  ctx: MutationCtx,
  console: Logger,
  now: number,
  view: View,
  state: Doc<"loopState">,
): Promise<void> {
  if (now - state.totals.since < MINUTE) return;
  const living = view.stats.reduce(
    (sum, { tally }) => addTally(sum, tally),
    NOTHING,
  );
  const since = addTally(state.totals.tally, living);
  // What living executors counted so far is reported now; it must not count
  // again when it is folded into the totals.
  state.totals = { since: now, tally: addTally(NOTHING, living, -1) };
  const completed = since.succeeded + since.failed + since.retries;
  const quiet = completed + since.canceled === 0;
  if (quiet || !shouldLog(view.config.logLevel, "REPORT")) return;
  const backlog: number = await ctx.runQuery(
    internal.loop.stats.backlog,
    {},
    { useStaleSnapshot: true },
  );
  recordReport(console, {
    ...since,
    completed,
    running: executorViews(view).reduce((sum, each) => sum + each.inFlight, 0),
    backlog,
  });
}

/** Works in the queue, those due later included. */
export const backlog = internalQuery({
  args: {},
  returns: v.number(),
  handler: async (ctx) => {
    const entries = await ctx.db
      .query("pendingStart")
      .take(MAX_COUNTED_ENTRIES);
    return entries.reduce((sum, { works }) => sum + works.length, 0);
  },
});
