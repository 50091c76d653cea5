/** Executors that need recovery: lost ones, and canceled ones that hold what they were not given. */
import type { Id } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { fateOf } from "./fate.js";
import type { View } from "./look.js";
import { livingExecutors } from "./executorViews.js";

export async function needingRecovery(
  ctx: QueryCtx,
  view: View,
  now: number,
): Promise<Id<"executor">[]> {
  const found: Id<"executor">[] = [];
  for (const executor of livingExecutors(view)) {
    const { _id, scheduledId, state } = executor;
    const job =
      scheduledId &&
      (await ctx.db.system.get("_scheduled_functions", scheduledId));
    const stats = view.stats.find(({ executorId }) => executorId === _id);
    const fate = fateOf(job ?? null, executor, stats ?? null, now);
    const isCanceled = job?.state.kind === "canceled";
    // What a canceled one was handed and not given waits for nothing.
    const holds =
      isCanceled &&
      (state.kind === "open" || (await hasHandOvers(ctx, _id, stats)));
    if (fate.kind === "lost" || holds) found.push(_id);
  }
  return found;
}

async function hasHandOvers(
  ctx: QueryCtx,
  executorId: Id<"executor">,
  stats: { cursor: number } | undefined,
): Promise<boolean> {
  const next = await ctx.db
    .query("running")
    .withIndex("by_executor", (q) =>
      q.eq("executorId", executorId).gte("first", stats?.cursor ?? 0),
    )
    .first();
  return next !== null;
}
