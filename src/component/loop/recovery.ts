/**
 * What a lost executor had goes on by policy, a piece at a time: each piece is a
 * report made in its place. What never began returns free of charge; mutations
 * and queries run again (their fence makes them exactly once); for an action the
 * attempt has failed, and its retry behavior decides.
 *
 * An executor begins works in the order of their positions, and its last report
 * named the position that it would not pass (`beginsBefore`). Where none is known,
 * everything that was delivered may have begun.
 *
 * A piece writes rows of the executor and of its works, and not the loop's own row: the
 * loop is busy, and one of the two would never get through.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import type { TransactionBudget } from "../budget.js";
import { findUndelivered } from "./delivery.js";
import {
  closePositions,
  hasGoneOn,
  memberAt,
  newStats,
  readStats,
  type Stats,
  writeStats,
} from "./positions.js";
import type { Logger } from "../logging.js";
import type { AttemptEnd } from "../work/settle.js";
import { Settler } from "../work/settler.js";
import { addTally } from "../tally.js";
import type { Fate } from "./fate.js";
import { liveWork } from "../work/live.js";

export type Piece = {
  /** When the earliest of what went back is due. Null: nothing did. */
  earliestDueAt: number | null;
  /** How many works it no longer has. */
  settled: number;
  unfinished: boolean;
};

type Lost = Extract<Fate, { kind: "lost" }>;

/**
 * Settles as much of what `executor` had as `budget` allows. From the first piece
 * on it is fenced: should it report after all, it is told to leave.
 *
 * @param giveUp - Why the works end that this piece settles, since their
 *   recovery failed again and again. Null: they go on.
 */
export async function recoverPiece(
  ctx: MutationCtx,
  console: Logger,
  executor: Doc<"executor">,
  fate: Lost,
  budget: TransactionBudget,
  giveUp: string | null,
): Promise<Piece> {
  const row = await readStats(ctx, executor._id);
  const stats: Stats = row ? { ...row } : newStats(executor);
  stats.beginsBefore = Math.min(stats.beginsBefore ?? Infinity, stats.cursor);
  const settler = new Settler(ctx, console);
  const error = `The worker that ran this attempt was lost: ${fate.why}`;
  const endOf = (mayHaveBegun: boolean): AttemptEnd =>
    giveUp === null
      ? { kind: "lost", error, mayHaveBegun, byMemory: fate.byMemory }
      : { kind: "givenUp", error: giveUp };

  const settled = new Set<number>();
  let unfinished = false;
  for (;;) {
    const next = await nextOpen(ctx, executor, stats, settled);
    if (next === null) break;
    if (!(await budget.hasRoom())) {
      unfinished = true;
      break;
    }
    const { runningId, position } = next;
    // The work of one that is over waits, runs elsewhere or has ended: only its slot was taken here.
    const isOver = stats.over?.includes(position) === true;
    const member = isOver
      ? null
      : await memberAt(ctx, executor, runningId, position);
    const work = member && (await liveWork(ctx, member.workId));
    if (work && !hasGoneOn(work, member)) {
      await settler.settle(work, endOf(position < stats.beginsBefore));
    }
    settled.add(position);
    budget.spend();
  }
  await closePositions(ctx, stats, settled);
  const earliestDueAt = await settler.putBack();
  stats.tally = addTally(stats.tally, settler.tally);

  if (unfinished) {
    await writeStats(ctx, row, stats);
    await ctx.db.patch("executor", executor._id, {
      state: { kind: "closing" },
      incarnation: executor.incarnation + 1,
    });
  } else {
    if (row) await ctx.db.delete("executorStats", row._id);
    await ctx.db.patch("executor", executor._id, {
      state: { kind: "done", tally: stats.tally },
    });
  }
  return { earliestDueAt, settled: settled.size, unfinished };
}

/** What it has and was not settled yet; of what was never delivered, a hand-over at a time. */
async function nextOpen(
  ctx: MutationCtx,
  executor: Doc<"executor">,
  stats: Stats,
  settled: ReadonlySet<number>,
): Promise<{ runningId: Id<"running"> | null; position: number } | null> {
  for (const { runningId, left } of stats.open) {
    for (const position of left) {
      if (!settled.has(position)) return { runningId, position };
    }
  }
  const [handOver] = await findUndelivered(
    ctx,
    executor._id,
    stats.cursor,
    1,
    true,
  );
  if (!handOver) return null;
  const left = handOver.works.map((_, index) => handOver.first + index);
  stats.open = [...stats.open, { runningId: handOver._id, left }];
  stats.cursor = handOver.first + left.length;
  return { runningId: handOver._id, position: handOver.first };
}
