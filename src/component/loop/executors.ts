/**
 * Keeping executors' rows in step: leases after a change of the limit, and
 * executors that have left.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { TransactionBudget } from "../budget.js";
import {
  hasGoneOn,
  newStats,
  readStats,
  type Stats,
  writeStats,
} from "./positions.js";
import type { Logger } from "../logging.js";
import { Settler } from "../work/settler.js";
import { addTally } from "../tally.js";
import { type ExecutorView, relieve, unleased } from "./lease.js";
import type { View } from "./look.js";
import { executorViews, livingExecutors, statsView } from "./executorViews.js";
import { liveWork } from "../work/live.js";

type State = Doc<"loopState">;

/** Works one turn takes back at most: each is read and written. */
const MAX_TAKEN_BACK = 256;
const MAX_TAKEN_BACK_BYTES = 4_000_000;

/** What a turn took back from executors. */
export type TakenBack = {
  works: number;
  /** More has to come back: nothing may be handed over before, or it would never end. */
  unfinished: boolean;
};

export function takeBackBudget(ctx: MutationCtx): TransactionBudget {
  return new TransactionBudget(ctx, {
    works: MAX_TAKEN_BACK,
    bytes: MAX_TAKEN_BACK_BYTES,
  });
}

/**
 * Gives every living executor a lease of the current epoch. What was handed over
 * and not delivered yet goes back to the queue where the width shrinks, and
 * everywhere while more is running than the limit allows.
 */
export async function adjustLeases(
  ctx: MutationCtx,
  console: Logger,
  view: View,
  state: State,
  budget: TransactionBudget,
): Promise<TakenBack> {
  const { limit } = view;
  const { epoch } = view.config;
  const living = livingExecutors(view);
  settlePeaks(view, state);
  if (living.every((executor) => executor.epoch === epoch)) {
    return { works: 0, unfinished: false };
  }
  const views = executorViews(view);
  const widths = relieve(limit, views);
  const over = unleased(limit, views) < 0;
  let works = 0;
  let unfinished = false;
  let tookBack = false;
  for (const executor of living) {
    const width = widths.get(executor._id) ?? executor.width;
    if (executor.epoch === epoch && executor.width === width) continue;
    if (over || width < executor.width) {
      // Of one executor in a turn: its reports conflict with that, and those of several
      // would again and again.
      if (tookBack) {
        unfinished = true;
        continue;
      }
      tookBack = true;
      const back = await takeBackInTurn(ctx, console, view, executor, budget);
      works += back.works;
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
  return { works, unfinished };
}

/**
 * What was handed over to an executor that has fallen asleep would wait for as long as
 * its works take: others may have a slot for it. It keeps those slots that it fills.
 */
export async function takeBackFromSleepers(
  ctx: MutationCtx,
  console: Logger,
  view: View,
  budget: TransactionBudget,
): Promise<TakenBack> {
  let works = 0;
  let unfinished = false;
  for (const { id } of executorViews(view).filter(holdsTooMuch)) {
    const executor = livingExecutors(view).find(({ _id }) => _id === id)!;
    const back = await takeBackInTurn(ctx, console, view, executor, budget);
    works += back.works;
    unfinished ||= back.unfinished;
    if (back.unfinished || executor.state.kind !== "open") continue;
    const { inFlight } = executorViews(view).find((each) => each.id === id)!;
    executor.width = Math.min(executor.width, Math.max(1, inFlight));
    await ctx.db.patch("executor", executor._id, { width: executor.width });
  }
  return { works, unfinished };
}

export function holdsTooMuch({ asleep, undelivered }: ExecutorView): boolean {
  return asleep && undelivered > 0;
}

async function takeBackInTurn(
  ctx: MutationCtx,
  console: Logger,
  view: View,
  executor: Doc<"executor">,
  budget: TransactionBudget,
): Promise<TakenBack> {
  const back = await takeBack(ctx, console, executor, budget);
  if (back.stats) {
    const others = view.stats.filter(
      (each) => each.executorId !== executor._id,
    );
    view.stats = [...others, statsView(back.stats)];
  }
  return back;
}

/** An older, wider lease that is over must not count again when more is handed over. */
function settlePeaks(view: View, state: State): void {
  for (const { id, peak } of executorViews(view)) {
    const assigned = state.assigned.find((each) => each.executorId === id);
    if (assigned) assigned.peak = peak;
  }
}

/**
 * Takes back what was handed over and not delivered, as much as `budget` allows.
 * Reads the statistics with dependencies: a delivery at the same time conflicts.
 * Their cursor moves on, so that what is taken back counts as over.
 */
export async function takeBack(
  ctx: MutationCtx,
  console: Logger,
  executor: Doc<"executor">,
  budget: TransactionBudget,
): Promise<{
  works: number;
  earliestDueAt: number | null;
  unfinished: boolean;
  stats: Stats | null;
}> {
  const row = await readStats(ctx, executor._id);
  const stats: Stats = row ? { ...row } : newStats(executor);
  const settler = new Settler(ctx, console);
  let works = 0;
  let unfinished = false;
  const handOvers = ctx.db
    .query("running")
    .withIndex("by_executor", (q) =>
      q.eq("executorId", executor._id).gte("first", stats.cursor),
    );
  for await (const handOver of handOvers) {
    let taken = 0;
    for (const workId of handOver.works) {
      if (!(await budget.hasRoom())) break;
      budget.spend();
      taken += 1;
      const work = await liveWork(ctx, workId);
      // One that was canceled meanwhile ends here, and does not wait for its turn again.
      if (work && !hasGoneOn(work, { since: handOver._creationTime })) {
        await settler.settle(work, { kind: "returned" });
      }
    }
    works += taken;
    stats.cursor = handOver.first + taken;
    unfinished = taken < handOver.works.length;
    if (unfinished) {
      await ctx.db.patch("running", handOver._id, {
        first: stats.cursor,
        works: handOver.works.slice(taken),
      });
      break;
    }
    await ctx.db.delete("running", handOver._id);
  }
  if (works === 0) {
    return { works, earliestDueAt: null, unfinished, stats: row };
  }
  const earliestDueAt = await settler.putBack();
  await writeStats(ctx, row, stats);
  return { works, earliestDueAt, unfinished, stats };
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
  const gone = view.executors.find(({ state }) => state.kind === "done");
  if (gone) {
    fold(view, state, gone);
    return { executorId: gone._id, incarnation: gone.incarnation + 1 };
  }
  const executorId = await ctx.db.insert("executor", {
    incarnation: 0,
    scheduledId: null,
    width: 0,
    epoch: 0,
    state: { kind: "closing" },
    startedAt: 0,
    first: [],
  });
  return { executorId, incarnation: 0 };
}

/** Deletes the rows of executors that have made their last report. `view` may be of the past. */
export async function removeGoneExecutors(
  ctx: MutationCtx,
  view: View,
  state: State,
): Promise<void> {
  for (const seen of view.executors) {
    if (seen.state.kind !== "done") continue;
    const { _id } = seen;
    // By now it may be the next executor's.
    const executor = await ctx.db.get("executor", _id);
    if (executor?.state.kind !== "done") continue;
    fold(view, state, executor);
    await ctx.db.delete("executor", _id);
  }
}

/** Its counts go to the totals, and the loop forgets it. */
function fold(view: View, state: State, executor: Doc<"executor">): void {
  if (executor.state.kind === "done") {
    const { totals } = state;
    totals.tally = addTally(totals.tally, executor.state.tally);
  }
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
