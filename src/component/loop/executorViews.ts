/** What the loop knows of its executors, from the rows that it has read. */
import type { Doc } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { SECOND } from "../shared.js";
import type { ExecutorView } from "./lease.js";
import type { View } from "./look.js";
import { openWorks } from "./positions.js";

/** Far above the executors a pool may have. */
const MAX_EXECUTOR_ROWS = 64;

export type StatsView = Omit<
  Doc<"executorStats">,
  "_id" | "_creationTime" | "open" | "seq"
> & {
  /** How many works were delivered and have not ended. */
  held: number;
};

export function statsView(
  stats: Omit<Doc<"executorStats">, "_id" | "_creationTime">,
): StatsView {
  const {
    _id: _,
    _creationTime: __,
    open: ___,
    seq: ____,
    ...counters
  } = stats as Doc<"executorStats">;
  return { ...counters, held: openWorks(stats) };
}

/** Of the living, and of those that have left and whose rows are still there. */
export async function readExecutors(ctx: QueryCtx): Promise<Doc<"executor">[]> {
  return await ctx.db.query("executor").take(MAX_EXECUTOR_ROWS);
}

/** Executors that have not made their last report. */
export function livingExecutors(
  view: Pick<View, "executors">,
): Doc<"executor">[] {
  return view.executors.filter(({ state }) => state.kind !== "done");
}

/** One that was born closing, and has run for longer than this, has works that take long. */
const DRAINS_AFTER_MS = 5 * SECOND;

/** What the loop knows of its living executors. Statistics may be a little old: then it thinks that more is in flight. */
export function executorViews(
  view: Pick<View, "now" | "executors" | "stats" | "state">,
): ExecutorView[] {
  return livingExecutors(view).map((executor) => {
    const { _id, width, epoch, first, startedAt } = executor;
    const closing = executor.state.kind === "closing";
    const long = executor.role === "long";
    const stats = view.stats.find(({ executorId }) => executorId === _id);
    const assigned = view.state?.assigned.find(
      ({ executorId }) => executorId === _id,
    );
    const delivered = stats?.cursor ?? first.length;
    const held = stats?.held ?? first.length;
    const undelivered = (assigned?.next ?? 0) - delivered;
    const inFlight = held + undelivered;
    // Once no more is in flight than the lease allows, an older, wider one is over.
    const isOver = !closing && inFlight <= width;
    return {
      id: _id,
      width,
      epoch,
      closing,
      drains: closing && view.now - startedAt > DRAINS_AFTER_MS,
      inFlight,
      undelivered,
      peak: isOver ? width : (assigned?.peak ?? width),
      worksPerSlot: stats?.worksPerSlot ?? 1,
      asleep:
        view.state?.turnBy !== _id &&
        (stats ? stats.worksPerSlot === 0 : !long && first.length >= width),
      long,
    };
  });
}
