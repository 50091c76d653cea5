/**
 * What an executor has, as its statistics tell: the positions of the works that were
 * delivered to it and have not ended. Its reports write them; once it is lost,
 * recovery does so in its place.
 *
 * A position is open until its handler has ended. Of one that is over (`executor/timeouts.ts`) the work
 * has gone on already: whoever settles, sends again or shows works leaves such a position out.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { NOTHING } from "../tally.js";

export type Stats = Omit<Doc<"executorStats">, "_id" | "_creationTime">;

export async function readStats(
  ctx: QueryCtx,
  executorId: Id<"executor">,
): Promise<Doc<"executorStats"> | null> {
  return await ctx.db
    .query("executorStats")
    .withIndex("by_executor", (q) => q.eq("executorId", executorId))
    .unique();
}

/** Of an executor that has not reported yet: it has what it was started with. */
export function newStats(executor: Doc<"executor">): Stats {
  const left = executor.first.map((_, index) => index);
  return {
    executorId: executor._id,
    seq: -1,
    open: left.length > 0 ? [{ runningId: null, left }] : [],
    cursor: left.length,
    worksPerSlot: 1,
    lastReportAt: 0,
    tally: NOTHING,
  };
}

export async function writeStats(
  ctx: MutationCtx,
  row: Doc<"executorStats"> | null,
  stats: Stats,
): Promise<void> {
  const {
    _id: _,
    _creationTime: __,
    ...fields
  } = stats as Doc<"executorStats">;
  if (row) await ctx.db.replace("executorStats", row._id, fields);
  else await ctx.db.insert("executorStats", fields);
}

export function openWorks(stats: Pick<Stats, "open">): number {
  return stats.open.reduce((sum, { left }) => sum + left.length, 0);
}

/** How many positions are behind it for good. Of those assigned to it, the others count as in flight. */
export function settledWorks(stats: Pick<Stats, "cursor" | "open">): number {
  return stats.cursor - openWorks(stats);
}

/** A work that was handed over, and since when it has been. */
export type Member = {
  position: number;
  workId: Id<"work">;
  /** Infinity: this very transaction hands it over. */
  since: number;
};

/** The work at an open position. Null: its hand-over is gone. */
export async function memberAt(
  ctx: QueryCtx,
  executor: Doc<"executor">,
  runningId: Id<"running"> | null,
  position: number,
): Promise<Member | null> {
  const row = runningId && (await ctx.db.get("running", runningId));
  const workId = row
    ? row.works[position - row.first]
    : executor.first[position];
  const since = row ? row._creationTime : executor.startedAt;
  return workId === undefined ? null : { position, workId, since };
}

/**
 * Whether the work went back to the queue without the executor that it was handed to: its own
 * transaction put it off, or it was ended from outside and begins another round, and the executor
 * died, or was not given it, before it could say that its part is over. The work waits, or another
 * executor has it: whoever ends this hand-over leaves it alone.
 */
export function hasGoneOn(
  { backAt }: Pick<Doc<"work">, "backAt">,
  { since }: Pick<Member, "since">,
): boolean {
  return backAt !== undefined && backAt > since;
}

/**
 * The slots of these are taken by handlers that time-outs did not end; their works have gone on without them.
 */
export function markOver(stats: Stats, positions: readonly number[]): void {
  if (positions.length === 0) return;
  stats.over = [...new Set([...(stats.over ?? []), ...positions])];
}

/** Crosses off what ended; a hand-over goes with its last member. */
export async function closePositions(
  ctx: MutationCtx,
  stats: Stats,
  ended: ReadonlySet<number>,
): Promise<void> {
  const open: Stats["open"] = [];
  for (const { runningId, left } of stats.open) {
    const remaining = left.filter((position) => !ended.has(position));
    if (remaining.length > 0) open.push({ runningId, left: remaining });
    else if (runningId) await ctx.db.delete("running", runningId);
  }
  stats.open = open;
  if (!stats.over) return;
  const over = stats.over.filter((position) => !ended.has(position));
  stats.over = over.length > 0 ? over : undefined;
}
