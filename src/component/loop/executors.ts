/**
 * Keeping executors' rows in step: leases after a change of the limit, and
 * executors that have left.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { requeue, type Requeued } from "../entries.js";
import { addTally } from "../executor/results.js";
import type { Logger } from "../logging.js";
import { endWork } from "../outcome.js";
import { relieve, unleased } from "./lease.js";
import { executorViews, livingExecutors, type View } from "./look.js";

type State = Doc<"loopState">;

/** Hand-overs taken back at once at most: their works, 32 in each, are read and written. */
const MAX_TAKEN_BACK = 8;

/**
 * Gives every living executor a lease of the current epoch. What was handed over
 * and not delivered yet goes back to the queue where the width shrinks, and
 * everywhere while more is running than the limit allows.
 *
 * @returns how many works went back, and whether more have to: then nothing may be
 *   handed over before they have, or it would never end.
 */
export async function adjustLeases(
  ctx: MutationCtx,
  console: Logger,
  view: View,
  state: State,
): Promise<{ requeued: number; unfinished: boolean }> {
  const { epoch, maxParallelism } = view.config;
  const living = livingExecutors(view);
  settlePeaks(view, state);
  if (living.every((executor) => executor.epoch === epoch)) {
    return { requeued: 0, unfinished: false };
  }
  const views = executorViews(view);
  const widths = relieve(maxParallelism, views);
  const over = unleased(maxParallelism, views) < 0;
  let requeued = 0;
  let unfinished = false;
  for (const executor of living) {
    const width = widths.get(executor._id) ?? executor.width;
    if (executor.epoch === epoch && executor.width === width) continue;
    if (over || width < executor.width) {
      const back = await takeBack(ctx, console, state, executor._id);
      requeued += back.requeued;
      if (back.unfinished) {
        // Until everything is back it keeps the old epoch, and so gets nothing.
        unfinished = true;
        continue;
      }
    }
    executor.width = width;
    executor.epoch = epoch;
    await ctx.db.patch("executor", executor._id, { width, epoch });
  }
  return { requeued, unfinished };
}

/** An older, wider lease that is over must not count again when more is handed over. */
function settlePeaks(view: View, state: State): void {
  for (const { id, peak } of executorViews(view)) {
    const assigned = state.assigned.find((each) => each.executorId === id);
    if (assigned) assigned.peak = peak;
  }
}

/**
 * Takes undelivered hand-overs back. Reads the statistics with dependencies: a
 * delivery at the same time conflicts.
 */
export async function takeBack(
  ctx: MutationCtx,
  console: Logger,
  state: State,
  executorId: Id<"executor">,
): Promise<{ requeued: number; unfinished: boolean }> {
  const stats = await ctx.db
    .query("executorStats")
    .withIndex("by_executor", (q) => q.eq("executorId", executorId))
    .unique();
  const assigned = state.assigned.find(
    (each) => each.executorId === executorId,
  );
  if (!assigned) return { requeued: 0, unfinished: false };
  const rows = await ctx.db
    .query("running")
    .withIndex("by_executor", (q) =>
      q.eq("executorId", executorId).gte("first", stats?.cursor ?? 0),
    )
    .order("desc")
    .take(MAX_TAKEN_BACK);
  for (const row of rows) {
    await ctx.db.delete("running", row._id);
    assigned.works -= row.works.length;
  }
  const works = rows.reverse().flatMap((row) => row.works);
  return {
    requeued: await returnToQueue(ctx, console, works),
    unfinished: rows.length === MAX_TAKEN_BACK,
  };
}

/**
 * Back to the queue, free of charge: these were never delivered. One that was
 * canceled meanwhile ends here, and does not wait for its turn again.
 */
export async function returnToQueue(
  ctx: MutationCtx,
  console: Logger,
  works: readonly Id<"work">[],
): Promise<number> {
  const back: Requeued[] = [];
  for (const workId of works) {
    const work = await ctx.db.get("work", workId);
    if (work?.canceled) await endWork(ctx, console, work, { kind: "canceled" });
    else if (work) back.push({ work, dueAt: null, patch: {} });
  }
  await requeue(ctx, back);
  return back.length;
}

/**
 * A row for a new executor: that of one which has made its last report, or a
 * new one.
 */
export async function reuse(
  ctx: MutationCtx,
  view: View,
  state: State,
): Promise<{ executorId: Id<"executor">; incarnation: number }> {
  const gone = view.executors.find(({ done }) => done !== null);
  if (gone) {
    fold(view, state, gone);
    return { executorId: gone._id, incarnation: gone.incarnation + 1 };
  }
  const executorId = await ctx.db.insert("executor", {
    incarnation: 0,
    scheduledId: null,
    width: 0,
    epoch: 0,
    closing: true,
    listener: false,
    startedAt: 0,
    first: [],
    firstPosition: 0,
    done: null,
  });
  return { executorId, incarnation: 0 };
}

/** Deletes the rows of executors that have made their last report. */
export async function removeGoneExecutors(
  ctx: MutationCtx,
  view: View,
  state: State,
): Promise<void> {
  for (const executor of view.executors) {
    if (executor.done === null) continue;
    fold(view, state, executor);
    await ctx.db.delete("executor", executor._id);
  }
}

/** Its counts go to the totals, and the loop forgets it. */
function fold(view: View, state: State, executor: Doc<"executor">): void {
  state.totals = addTally(state.totals, executor.done!);
  forget(view, state, executor._id);
}

export function forget(
  view: View,
  state: State,
  executorId: Id<"executor">,
): void {
  view.executors = view.executors.filter(({ _id }) => _id !== executorId);
  view.stats = view.stats.filter((each) => each.executorId !== executorId);
  state.assigned = state.assigned.filter(
    (each) => each.executorId !== executorId,
  );
}
