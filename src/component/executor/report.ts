/**
 * The one mutation through which an executor speaks to the database: it brings
 * results and takes new attempts away.
 *
 * A report may arrive twice, late, or be answered into the void; therefore
 * - results are applied to the positions that are still open, and to works whose
 *   fence still fits: a repetition finds nothing to do;
 * - what was delivered and is neither held nor reported is sent again;
 * - a report whose `seq` is not new gets no new work and closes nothing.
 *
 * Why it does not conflict: it writes the executor's own statistics and rows of
 * works nobody else has. It reads `executor` (changed by the loop when the lease
 * changes), `config` and `runStatus` (both at rare transitions), and looks for
 * hand-overs in a stale snapshot.
 */
import type { Infer } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "../_generated/server.js";
import { effectiveConfig } from "../queue/configRow.js";
import {
  createLogger,
  LineBudget,
  type Logger,
  SHARED_RUN,
} from "../logging.js";
import { limitInEffect, transactionShare } from "../loop/classRoom.js";
import { executorCaps } from "../loop/planView.js";
import { NO_TURN, turnInReport, type Turned } from "../loop/driverTurn.js";
import { wakeFromReport } from "../queue/wake.js";
import {
  type AttemptResult,
  PROTOCOL_VERSION,
  type ReportArgs,
  type ReportReply,
  vReportArgs,
  vReportReply,
} from "./protocol.js";
import { deliverNext, NOTHING_DELIVERED, resend } from "./reply.js";
import {
  closePositions,
  markOver,
  newStats,
  openWorks,
  readStats,
  settledWorks,
  type Stats,
  writeStats,
} from "../loop/positions.js";
import { addTally } from "../tally.js";
import { applyResults } from "./results.js";

const LEAVE: ReportReply = {
  next: [],
  width: 0,
  listen: false,
  listener: false,
  closed: true,
  done: true,
  pollMs: null,
};

export const report = internalMutation({
  args: vReportArgs,
  returns: vReportReply,
  handler: async (ctx, args): Promise<Infer<typeof vReportReply>> => {
    if (args.version !== PROTOCOL_VERSION) {
      throw new Error(
        `Executor ${args.executorId} speaks version ${args.version} of the report protocol; this deployment understands ${PROTOCOL_VERSION}.`,
      );
    }
    const before = await readExecutor(ctx, args);
    // Recovery took everything back: whatever this executor still runs is fenced.
    if (!before) return LEAVE;
    const row = await readStats(ctx, args.executorId);

    const configBefore = await effectiveConfig(ctx);
    const { logLevel } = configBefore;
    const console = createLogger(logLevel, new LineBudget(SHARED_RUN));
    // A copy: what it was before is compared with below.
    const stats: Stats = row ? { ...row } : newStats(before);
    const heldBefore = openWorks(stats);
    const repeated = args.seq <= stats.seq;
    stats.seq = Math.max(stats.seq, args.seq);
    // A delayed repetition tells of what was. Whoever reports is awake, and can be
    // handed anything in this report.
    const worksPerSlot = repeated
      ? Math.max(1, stats.worksPerSlot)
      : args.worksPerSlot;
    stats.worksPerSlot = worksPerSlot;
    if (!repeated) {
      stats.beginsBefore = args.beginsBefore;
      stats.halved = args.halved;
    }
    stats.lastReportAt = Date.now();

    const taken = await takeResults(ctx, console, stats, args);
    const { earliestRetryAt, ranUserCode } = taken;
    // User code may change settings, and wake the loop. It changes no executor.
    const config = ranUserCode ? await effectiveConfig(ctx) : configBefore;

    const endedHere = heldBefore - openWorks(stats);
    // Not when it is tried again: results must get through whatever is wrong with the loop.
    const mayTurn = args.inlineCallbacks && !repeated;
    const caps = await executorCaps(ctx);
    const turned: Turned = mayTurn
      ? await turnInReport(ctx, before, stats, caps, {
          leaving: args.closing || isClosing(before),
          mayDrive: args.mayDrive && !isClosing(before),
          freed: endedHere,
          config,
          ranUserCode,
        })
      : NO_TURN;
    const { driving } = turned;
    const executor = { ...before, width: turned.width ?? before.width };
    const settledBefore = settledWorks(stats);
    const next = await resend(ctx, console, executor, stats, args);
    const { closed, done, undelivered, memoryFull } = repeated
      ? { closed: isClosing(executor), ...NOTHING_DELIVERED }
      : await deliverNext(
          { ctx, console, executor, stats, args, turned },
          config.epoch,
          next,
        );
    const handedOver = openWorks(stats) + undelivered;
    // Canceled since they were handed over: a turn in this report counted them.
    const endedUnstarted = settledWorks(stats) - settledBefore;
    // What was delivered here had been handed over before, and fills no slot
    // that the loop believes to be free. Where more was in flight than the lease
    // has room for, its end may make room elsewhere.
    const makesRoom =
      closed || handedOver < executor.width || heldBefore > executor.width;
    const freed =
      (endedUnstarted > 0 && makesRoom) ||
      (driving.kind !== "refilled" &&
        ((endedHere > 0 && makesRoom) ||
          done ||
          (closed && !isClosing(before))));
    // The loop takes back what finds no memory here, when that is new.
    const spills = memoryFull && undelivered > 0 && row?.worksPerSlot !== 0;
    const status = await wakeFromReport(
      ctx,
      freed || spills,
      spills ? Date.now() : earliestRetryAt,
      turned.status,
    );
    const active =
      status.state.kind === "running" || status.state.kind === "saturated";
    const isListener = executor.role === "listener";
    const listener = isListener && openWorks(stats) > 0;
    const listen =
      !closed && ((active && driving.kind !== "another") || listener);
    // With free slots it asks for more, or, where nothing comes, to leave. With none it
    // asks only as long as more may come, whatever its works took so far.
    const asks =
      openWorks(stats) < executor.width ||
      (listen && (worksPerSlot > 1 || executor.role === "long"));
    const isAsleep = driving.kind !== "drives" && (memoryFull || !asks);
    stats.worksPerSlot = isAsleep ? 0 : worksPerSlot;
    await write(ctx, executor, row, stats, { closed, done });
    console.end();
    const { width } = executor;
    const limit = limitInEffect(config.maxParallelism, caps.room);
    const transactions = transactionShare(width, limit, caps.room);
    return {
      next,
      width,
      ...(transactions === undefined ? {} : { transactions }),
      listen,
      listener: isListener,
      closed,
      done,
      pollMs: driving.kind === "drives" ? driving.pollMs : null,
      logLevel,
    };
  },
});

/** Null: it is gone, or the row is another's by now. */
async function readExecutor(
  ctx: MutationCtx,
  { executorId, incarnation }: ReportArgs,
): Promise<Doc<"executor"> | null> {
  const executor = await ctx.db.get("executor", executorId);
  const alive =
    executor?.incarnation === incarnation && executor.state.kind !== "done";
  return alive ? executor : null;
}

function isClosing({ state }: Doc<"executor">): boolean {
  return state.kind !== "open";
}

/** An executor whose first report is its last leaves no statistics: its own row says what it did. */
async function write(
  ctx: MutationCtx,
  executor: Doc<"executor">,
  row: Doc<"executorStats"> | null,
  stats: Stats,
  { closed, done }: { closed: boolean; done: boolean },
): Promise<void> {
  if (done) {
    if (row) await ctx.db.delete("executorStats", row._id);
    await ctx.db.patch("executor", executor._id, {
      state: { kind: "done", tally: stats.tally },
    });
    return;
  }
  if (closed && !isClosing(executor)) {
    await ctx.db.patch("executor", executor._id, {
      state: { kind: "closing" },
    });
  }
  await writeStats(ctx, row, stats);
}

/** It has failed, and its handler still runs. */
function isHeld({ outcome }: AttemptResult): boolean {
  return outcome.kind === "failed" && outcome.holds === true;
}

/** Applies the results whose positions are still open, and closes those whose handlers have ended. */
async function takeResults(
  ctx: MutationCtx,
  console: Logger,
  stats: Stats,
  args: ReportArgs,
): Promise<{ earliestRetryAt: number | null; ranUserCode: boolean }> {
  const open = new Set(stats.open.flatMap(({ left }) => left));
  const news = args.results.filter(({ position }) => open.has(position));
  const { tally, ...applied } = await applyResults(
    ctx,
    console,
    news,
    args.inlineCallbacks,
  );
  stats.tally = addTally(stats.tally, tally);
  markOver(
    stats,
    news.filter(isHeld).map(({ position }) => position),
  );
  const ended = news.filter((result) => !isHeld(result));
  await closePositions(
    ctx,
    stats,
    new Set(ended.map(({ position }) => position)),
  );
  return applied;
}
