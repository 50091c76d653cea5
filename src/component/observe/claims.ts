/** Who was given which works, and which of these have begun: see `begun.ts`. */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { livingExecutors, readExecutors } from "../loop/executorViews.js";
import { begunClaims, slotsOf } from "./begun.js";
import {
  newStats,
  openWorks,
  readStats,
  type Stats,
} from "../loop/positions.js";

type Claim = Doc<"executorStats">["open"][number];

/**
 * The works of one executor that have begun.
 *
 * @param widest - The widest lease that they may have begun under. It is asked for
 *   only where it matters, since the loop writes the row that says so with each turn.
 */
export async function begunAt(
  ctx: QueryCtx,
  executor: Doc<"executor">,
  widest: () => Promise<number>,
): Promise<Claim[]> {
  const row = await readStats(ctx, executor._id);
  return await begunWith(ctx, executor, row ?? newStats(executor), widest);
}

/**
 * As {@link begunAt}, without those that are over: their handlers still take slots, but
 * the works have ended, or wait, or are elsewhere by now.
 */
export async function runningAt(
  ctx: QueryCtx,
  executor: Doc<"executor">,
): Promise<{ running: Claim[]; stats: Stats }> {
  const row = await readStats(ctx, executor._id);
  const stats: Stats = row ?? newStats(executor);
  const begun = await begunWith(ctx, executor, stats, () =>
    widestLease(ctx, executor._id),
  );
  return { running: withoutOver(stats, begun), stats };
}

/** Claims without the positions that are over. */
export function withoutOver(
  { over = [] }: Pick<Stats, "over">,
  claims: readonly Claim[],
): Claim[] {
  return claims.map(({ runningId, left }) => ({
    runningId,
    left: left.filter((position) => !over.includes(position)),
  }));
}

async function begunWith(
  ctx: QueryCtx,
  executor: Doc<"executor">,
  stats: Stats,
  widest: () => Promise<number>,
): Promise<Claim[]> {
  const open = openWorks(stats);
  return begunClaims({
    // Whoever takes works back may have made the row before the first report.
    started: stats.lastReportAt > 0 || (await isStarted(ctx, executor)),
    slots: slotsOf(
      executor.width,
      open,
      open > executor.width ? await widest() : 0,
    ),
    open: stats.open,
    beginsBefore: stats.beginsBefore,
    over: stats.over,
  });
}

async function isStarted(
  ctx: QueryCtx,
  { scheduledId }: Doc<"executor">,
): Promise<boolean> {
  const job =
    scheduledId &&
    (await ctx.db.system.get("_scheduled_functions", scheduledId));
  return job?.state.kind !== "pending";
}

/**
 * Whether the handler of a work that has left the queue has begun. Reads the rows of
 * each executor, and of what these have begun: at most as many claims as handlers
 * may be in flight.
 */
export async function hasBegun(
  ctx: QueryCtx,
  workId: Id<"work">,
): Promise<boolean> {
  const executors = await readExecutors(ctx);
  for (const executor of livingExecutors({ executors })) {
    const { running } = await runningAt(ctx, executor);
    for (const claim of running) {
      const members = await membersOf(ctx, executor, claim);
      const position = members.works.indexOf(workId);
      // An attempt of it before this one may have been in the same hand-over.
      if (position >= 0 && claim.left.includes(members.first + position)) {
        return true;
      }
    }
  }
  return false;
}

export async function membersOf(
  ctx: QueryCtx,
  executor: Doc<"executor">,
  { runningId }: Claim,
): Promise<{ first: number; works: Id<"work">[] }> {
  const own = { first: 0, works: executor.first };
  if (runningId === null) return own;
  return (await ctx.db.get("running", runningId)) ?? { first: 0, works: [] };
}

async function widestLease(
  ctx: QueryCtx,
  executorId: Id<"executor">,
): Promise<number> {
  const state = await ctx.db.query("loopState").first();
  return (
    state?.assigned.find((each) => each.executorId === executorId)?.peak ?? 0
  );
}
