/** The periodic report: one log line a minute while works end. */
import { type Infer, v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import { internalQuery, type MutationCtx } from "../_generated/server.js";
import { addTally, NOTHING } from "../tally.js";
import { type Logger, recordReport, shouldLog } from "../logging.js";
import { MINUTE } from "../shared.js";
import type { View } from "./look.js";
import { executorViews } from "./executorViews.js";

/**
 * The backlog is counted as far as so many entries: one for each attempt that ended since
 * the last report, between these bounds. To count a deep queue every minute would cost a
 * pool of a few long works more than these; `health` counts further.
 */
const COUNTED_ENTRIES = { least: 10, most: 1000 };

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
  const { least, most } = COUNTED_ENTRIES;
  const counted = await ctx.runQuery(
    internal.loop.stats.backlog,
    { entries: Math.min(most, Math.max(least, completed)) },
    { useStaleSnapshot: true },
  );
  recordReport(console, {
    ...since,
    completed,
    running: executorViews(view).reduce((sum, each) => sum + each.inFlight, 0),
    ...counted,
  });
}

const vCounted = v.object({
  backlog: v.number(),
  /** There may be more. */
  backlogIsAtLeast: v.optional(v.literal(true)),
});

/** Works in the queue, those due later included. */
export const backlog = internalQuery({
  args: { entries: v.number() },
  returns: vCounted,
  handler: async (ctx, { entries }): Promise<Infer<typeof vCounted>> => {
    const found = await ctx.db.query("pendingStart").take(entries);
    return {
      backlog: found.reduce((sum, { works }) => sum + works.length, 0),
      ...(found.length === entries ? { backlogIsAtLeast: true } : {}),
    };
  },
});
