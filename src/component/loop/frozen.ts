/**
 * Attempts that have frozen: they beat at first, and have said nothing since for longer than
 * `heartbeatTimeoutMs` of their works allows. When that will be, each beat notes in the row of
 * progress (`work/progress.ts`); here rows are found of which the time has passed.
 *
 * | who looks                                       | when                                        |
 * | ----------------------------------------------- | ------------------------------------------- |
 * | the watchdog (`watch.ts`)                       | when it comes: every 12 s while a worker lives |
 * | a turn that would put the watchdog off          | then: where it finds something, it does not |
 *
 * | the row is of                                   | the recovery, a piece at a time              |
 * | ----------------------------------------------- | -------------------------------------------- |
 * | the attempt that counts                         | settles it as one that timed out; its position is over, since its handler may run on |
 * | an attempt that is over                         | has it noted that nobody watches any more    |
 *
 * The slot is taken until the executor reports the end of the handler, as after a time-out that
 * holds (`executor/timeouts.ts`): what that returns is fenced. Released it cannot be, since the
 * executor, which fills its slots itself, does not know.
 */
import { v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import {
  internalQuery,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server.js";
import type { TransactionBudget } from "../budget.js";
import { type Logger, recordIncident } from "../logging.js";
import { addTally } from "../tally.js";
import { cursorAfter, scanFrom } from "../timeCursor.js";
import { liveWork } from "../work/live.js";
import { Settler } from "../work/settler.js";
import { livingExecutors, readExecutors } from "./executorViews.js";
import { markOver, newStats, readStats, writeStats } from "./positions.js";
import type { Piece } from "./recovery.js";

/** Rows of which the time has passed, the earliest first. */
function frozenRows(ctx: QueryCtx, now: number, cursor: number | undefined) {
  return ctx.db
    .query("progress")
    .withIndex("by_freeze", (q) =>
      q.gte("freezesAt", scanFrom(cursor, now) ?? 0).lte("freezesAt", now),
    );
}

/**
 * Whether attempts have frozen. How far none have is noted once any work is watched: pools without such works
 * pay no byte for it.
 *
 * @returns where the scan for them begins. Null: none have.
 */
export async function lookForFrozen(
  ctx: QueryCtx,
  { scanFrom: cursors }: Pick<Doc<"loopState">, "scanFrom">,
  now: number,
): Promise<number | null> {
  const isUsed =
    cursors.freezes !== undefined ||
    (await ctx.db
      .query("progress")
      .withIndex("by_freeze", (q) => q.gte("freezesAt", 0))
      .first()) !== null;
  if (!isUsed) return null;
  const frozen = await frozenRows(ctx, now, cursors.freezes).first();
  cursors.freezes = cursorAfter(frozen?.freezesAt ?? null, now);
  return frozen && cursors.freezes;
}

/** Where an attempt runs. */
const vHolder = v.object({
  workId: v.id("work"),
  executorId: v.id("executor"),
  position: v.number(),
});
type Holder = typeof vHolder.type;

/**
 * Settles as many as `budget` allows. No code of users runs here: callbacks are owed.
 *
 * @param cursor - Where the scan begins: the one with which the watchdog found something.
 */
export async function frozenPiece(
  ctx: MutationCtx,
  console: Logger,
  budget: TransactionBudget,
  cursor: number,
): Promise<Piece> {
  const frozen: Doc<"work">[] = [];
  let unfinished = false;
  for await (const row of frozenRows(ctx, Date.now(), cursor)) {
    unfinished = !(await budget.hasRoom());
    if (unfinished) break;
    budget.spend();
    const work = await liveWork(ctx, row.workId);
    await ctx.db.patch("progress", row._id, { freezesAt: undefined });
    if (work && (work.fence ?? 0) === row.fence) frozen.push(work);
  }
  if (frozen.length > 0) {
    recordIncident(
      console,
      "warn",
      "frozen",
      `${frozen.length} attempts sent no heartbeat for longer than heartbeatTimeoutMs allows, and count as timed out. Their handlers hold their slots until they end`,
      { works: frozen.map(({ _id, fnName }) => ({ workId: _id, fnName })) },
    );
  }
  const settler = new Settler(ctx, console);
  for (const work of frozen) {
    const { fnName, heartbeatTimeoutMs } = work;
    await settler.settle(work, {
      kind: "failed",
      error: `${fnName} timed out: it sent no heartbeat for longer than the ${heartbeatTimeoutMs} ms that heartbeatTimeoutMs allows.`,
      retryable: true,
      timedOut: true,
    });
  }
  const earliestDueAt = await settler.putBack();
  await occupySlots(
    ctx,
    frozen.map(({ _id }) => _id),
    settler,
  );
  return { earliestDueAt, settled: frozen.length, unfinished };
}

/** Their positions stay open without them, so that recovery and whoever shows works leave them out. */
async function occupySlots(
  ctx: MutationCtx,
  workIds: Id<"work">[],
  { tally }: Settler,
): Promise<void> {
  if (workIds.length === 0) return;
  // A stale look leaves no read dependencies on what all the executors report.
  const seen: Holder[] = await ctx.runQuery(
    internal.loop.frozen.holders,
    { workIds },
    { useStaleSnapshot: true },
  );
  const found = new Set(await markHolders(ctx, seen));
  // An attempt may have begun since.
  const missed = workIds.filter((id) => !found.has(id));
  const late = missed.length > 0 ? await findHolders(ctx, missed) : [];
  await markHolders(ctx, late);
  const [first] = [...seen, ...late];
  const executor = first && (await ctx.db.get("executor", first.executorId));
  const row = executor && (await readStats(ctx, executor._id));
  if (row) {
    const sum = addTally(row.tally, tally);
    await ctx.db.patch("executorStats", row._id, { tally: sum });
  }
}

/** @returns the works of positions that are open indeed. */
async function markHolders(
  ctx: MutationCtx,
  holders: readonly Holder[],
): Promise<Id<"work">[]> {
  const marked: Id<"work">[] = [];
  for (const executorId of new Set(holders.map((each) => each.executorId))) {
    const executor = await ctx.db.get("executor", executorId);
    if (!executor || executor.state.kind === "done") continue;
    const row = await readStats(ctx, executorId);
    const stats = row ? { ...row } : newStats(executor);
    const open = new Set(stats.open.flatMap(({ left }) => left));
    const own = holders.filter(
      (each) => each.executorId === executorId && open.has(each.position),
    );
    if (own.length === 0) continue;
    markOver(
      stats,
      own.map(({ position }) => position),
    );
    await writeStats(ctx, row, stats);
    marked.push(...own.map(({ workId }) => workId));
  }
  return marked;
}

export const holders = internalQuery({
  args: { workIds: v.array(v.id("work")) },
  returns: v.array(vHolder),
  handler: async (ctx, { workIds }) => await findHolders(ctx, workIds),
});

async function findHolders(
  ctx: QueryCtx,
  workIds: readonly Id<"work">[],
): Promise<Holder[]> {
  const found: Holder[] = [];
  const executors = livingExecutors({ executors: await readExecutors(ctx) });
  for (const executor of executors) {
    const stats = (await readStats(ctx, executor._id)) ?? newStats(executor);
    for (const { runningId, left } of stats.open) {
      const row = runningId && (await ctx.db.get("running", runningId));
      const { first, works } = row ?? { first: 0, works: executor.first };
      for (const position of left) {
        const workId = works[position - first];
        if (workId === undefined || !workIds.includes(workId)) continue;
        if (stats.over?.includes(position)) continue;
        found.push({ workId, executorId: executor._id, position });
      }
    }
  }
  return found;
}
