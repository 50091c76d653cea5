/**
 * The watchdog: a scheduled mutation that comes at least every {@link WATCH_MS}
 * while anything could go wrong unseen. It does next to nothing itself, so that
 * nothing can make it fail; what a mutation has scheduled is lost when it fails.
 *
 * | it finds                                      | it schedules                       |
 * | --------------------------------------------- | ---------------------------------- |
 * | that there is something to watch              | the next `watch`                   |
 * | lost executors, callbacks that are overdue, works that may not begin any more, attempts that have frozen | `recover` (`recover.ts`) |
 * | a piece of a recovery that failed             | the same, with fewer works         |
 * | that the loop is dead                         | a tick that takes it over          |
 * | work that could start, leases to give         | a tick                             |
 *
 * Besides it renews `validUntil` and removes executors that have left. Where turns of
 * the loop come by anyway, they put it off after looking for losses themselves
 * (`transition.ts`).
 */
import { type Infer, v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "../_generated/server.js";
import { effectiveConfig } from "../queue/configRow.js";
import { createLogger, type Logger, recordIncident } from "../logging.js";
import { readRunStatus } from "../queue/wake.js";
import { holdsTooMuch, removeGoneExecutors } from "./executors.js";
import { lookStale, type View } from "./look.js";
import { executorViews, livingExecutors } from "./executorViews.js";
import { needingRecovery } from "./losses.js";
import { executorCaps, planFor } from "./planView.js";
import { MAX_WORKS } from "./pieces.js";
import { startRecovery, type vRecovery } from "./recover.js";
import { lookForFrozen } from "./frozen.js";
import { lookForLate, scheduleWatch } from "./state.js";
import {
  isDead,
  LOST_MS,
  needsRenewal,
  validUntil,
  wantedWatch,
} from "./watchdog.js";

/** Pieces of a single work that fail before that work is ended. */
const MAX_FAILURES_OF_ONE = 3;

export const watch = internalMutation({
  args: { at: v.number() },
  returns: v.null(),
  handler: async (ctx, { at }) => {
    const state = await ctx.db.query("loopState").first();
    const status = await readRunStatus(ctx);
    if (!state || !status || state.watch?.at !== at) return null;
    const now = Date.now();
    const config = await effectiveConfig(ctx);
    const console = createLogger(config.logLevel);
    const known = { state, status, config };
    const view = { ...(await lookStale(ctx, now, known)), state };

    await removeGoneExecutors(ctx, view, state);
    const recovers = await lookAfterLosses(ctx, console, view, now);
    const waits = await wakeLoop(ctx, view, status, state, now);

    const dangers = {
      state: status.state,
      hasExecutors: state.assigned.length > 0,
      waits,
      owedAt: view.owedAt,
      startBy: view.startBy,
      recovers,
    };
    state.watch = null;
    const wanted = wantedWatch(dangers, now);
    if (wanted !== null) await scheduleWatch(ctx, state, wanted);
    const { _id, _creationTime: _, ...fields } = state;
    await ctx.db.replace("loopState", _id, fields);
    if (needsRenewal(status, dangers, now, true)) {
      const renewed = validUntil(dangers, now);
      await ctx.db.patch("runStatus", status._id, { validUntil: renewed });
    }
    return null;
  },
});

/** Sees to it that a recovery is under way, if one is needed. */
async function lookAfterLosses(
  ctx: MutationCtx,
  console: Logger,
  view: View & { state: Doc<"loopState"> },
  now: number,
): Promise<boolean> {
  const row = await ctx.db.query("recovery").first();
  const job =
    row && (await ctx.db.system.get("_scheduled_functions", row.scheduledId));
  if (job?.state.kind === "pending" || job?.state.kind === "inProgress") {
    return true;
  }
  const executors = await needingRecovery(ctx, view, now);
  const overdueCallbacks = view.owedAt !== null && view.owedAt <= now;
  const lateFrom = await lookForLate(ctx, view.state, view, now);
  const frozenFrom = await lookForFrozen(ctx, view.state, now);
  const found =
    executors.length > 0 || lateFrom !== null || frozenFrom !== null;
  if (!found && !overdueCallbacks) {
    if (row) await ctx.db.delete("recovery", row._id);
    return false;
  }
  const failure = job?.state.kind === "failed" ? job.state.error : null;
  const next =
    row === null || failure === null
      ? { works: MAX_WORKS, failures: 0 }
      : smallerPiece(console, row, failure);
  // One that cannot be recovered must not keep the others from it; given up is
  // what failed last, and nobody else's.
  const failed = failure === null ? undefined : row?.executors[0];
  const others = executors.filter((id) => id !== failed);
  const again = executors.filter((id) => id === failed);
  await startRecovery(ctx, row, {
    executors:
      next.giveUp === undefined ? [...others, ...again] : [...again, ...others],
    ...(lateFrom === null ? {} : { lateFrom }),
    ...(frozenFrom === null ? {} : { frozenFrom }),
    ...next,
  });
  return true;
}

/** What comes after a piece that failed: one of half the works; of a single one, at last its end. */
function smallerPiece(
  console: Logger,
  row: Doc<"recovery">,
  error: string,
): Pick<Infer<typeof vRecovery>, "works" | "giveUp"> & { failures: number } {
  const failures = row.failures + 1;
  const works = Math.max(1, Math.floor(row.works / 2));
  recordIncident(
    console,
    "error",
    "recoverySmaller",
    `A recovery of ${row.works} works at once failed and is tried with ${works}: ${error}`,
    { works, failures, error },
  );
  const isHopeless = row.works === 1 && failures > MAX_FAILURES_OF_ONE;
  return {
    works,
    failures: works < row.works ? 0 : failures,
    ...(isHopeless
      ? {
          giveUp: `This work was lost with its worker, and could not be recovered: ${error}`,
        }
      : {}),
  };
}

/**
 * A tick, if the loop is dead or leaves something undone.
 *
 * @returns whether something waits for a place.
 */
async function wakeLoop(
  ctx: MutationCtx,
  view: View,
  status: Doc<"runStatus">,
  state: Doc<"loopState">,
  now: number,
): Promise<boolean> {
  const { generation } = status;
  const made = planFor(view, await executorCaps(ctx), now);
  const waits =
    view.config.maxParallelism > 0 &&
    (made.leftOver || made.apartWaits || made.pieces.length > 0);
  if (isDead(status, state, view.executors, now)) {
    await ctx.scheduler.runAfter(0, internal.loop.tick.tick, {
      generation,
      takeover: true,
    });
    return waits;
  }
  const isQuiet = now - state.lastTurnAt > LOST_MS;
  const undone =
    made.pieces.length > 0 ||
    executorViews(view).some(holdsTooMuch) ||
    livingExecutors(view).some(({ epoch }) => epoch !== view.config.epoch);
  if (isQuiet && undone && status.state.kind !== "running") {
    await ctx.scheduler.runAfter(0, internal.loop.tick.tick, { generation });
  }
  return waits;
}
