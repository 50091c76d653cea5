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
import type { Doc, Id } from "../_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "../_generated/server.js";
import { effectiveConfig } from "../config.js";
import { createLogger, type Logger } from "../logging.js";
import { driverTurn, type Driving } from "../loop/driverTurn.js";
import { wakeFromReport } from "../wake.js";
import {
  countDeliverable,
  deliver,
  findUndelivered,
  logStarted,
} from "./delivery.js";
import {
  type Attempt,
  PROTOCOL_VERSION,
  type ReportArgs,
  type ReportReply,
  vReportArgs,
  vReportReply,
} from "./protocol.js";
import { addTally, applyResults, NOTHING } from "./results.js";

type Stats = Omit<Doc<"executorStats">, "_id" | "_creationTime">;

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
    const row = await ctx.db
      .query("executorStats")
      .withIndex("by_executor", (q) => q.eq("executorId", args.executorId))
      .unique();

    const { logLevel } = await effectiveConfig(ctx);
    const console = createLogger(logLevel);
    // A copy: what it was before is compared with below.
    const stats: Stats = row ? { ...row } : newStats(before);
    const heldBefore = inFlight(stats);
    const repeated = args.seq <= stats.seq;
    stats.seq = Math.max(stats.seq, args.seq);
    stats.worksPerSlot = args.worksPerSlot;
    if (args.beginsBefore !== undefined) {
      stats.beginsBefore = args.beginsBefore;
    }
    stats.lastReportAt = Date.now();

    const earliestRetryAt = await takeResults(ctx, console, stats, args);

    // Not when it is tried again: results must get through whatever is wrong with the loop.
    const mayDrive = args.mayDrive && args.inlineCallbacks && !repeated;
    const driving: Driving =
      mayDrive && !before.closing
        ? await driverTurn(ctx, before, stats, args.closing)
        : { kind: "none" };

    // User code ran, and perhaps a turn of the loop: read what they may have
    // changed, a lease among it.
    const executor = await readExecutor(ctx, args);
    if (!executor) return LEAVE;
    const next = await resend(ctx, console, executor, stats, args);
    const { closed, done, undelivered } = repeated
      ? { closed: executor.closing, done: false, undelivered: 0 }
      : await deliverNext(ctx, console, executor, stats, args, driving, next);
    await write(ctx, executor, row, stats, { closed, done });

    const endedHere = stats.ended - (row?.ended ?? 0);
    // What was delivered here had been handed over before, and fills no slot
    // that the loop believes to be free. Where more was in flight than the lease
    // has room for, its end may make room elsewhere.
    const handedOver = inFlight(stats) + undelivered;
    const makesRoom =
      closed || handedOver < executor.width || heldBefore > executor.width;
    const freed =
      (endedHere > 0 && makesRoom) || done || (closed && !before.closing);
    const status = await wakeFromReport(ctx, freed, earliestRetryAt);
    const active =
      status.state.kind === "running" || status.state.kind === "saturated";
    const listener = executor.listener && inFlight(stats) > 0;
    return {
      next,
      width: executor.width,
      listen: !closed && ((active && driving.kind !== "another") || listener),
      listener: executor.listener,
      closed,
      done,
      pollMs: driving.kind === "drives" ? driving.pollMs : null,
    };
  },
});

/** Null: it is gone, or the row is another's by now. */
async function readExecutor(
  ctx: MutationCtx,
  { executorId, incarnation }: ReportArgs,
): Promise<Doc<"executor"> | null> {
  const executor = await ctx.db.get("executor", executorId);
  const alive = executor?.incarnation === incarnation && executor.done === null;
  return alive ? executor : null;
}

function newStats(executor: Doc<"executor">): Stats {
  const left = executor.first.map((_, index) => executor.firstPosition + index);
  return {
    executorId: executor._id,
    incarnation: executor.incarnation,
    seq: -1,
    open: left.length > 0 ? [{ runningId: null, left }] : [],
    cursor: executor.firstPosition + left.length,
    ended: 0,
    worksPerSlot: 1,
    lastReportAt: 0,
    tally: NOTHING,
  };
}

/** Adds to `next` what waits for this executor, and decides whether it may leave. */
async function deliverNext(
  ctx: MutationCtx,
  console: Logger,
  executor: Doc<"executor">,
  stats: Stats,
  args: ReportArgs,
  driving: Driving,
  next: Attempt[],
): Promise<{ closed: boolean; done: boolean; undelivered: number }> {
  const { epoch } = await effectiveConfig(ctx);
  const closing = args.closing || driving.kind === "parked";
  const leaving = closing || executor.closing;
  const drives = driving.kind === "drives";
  // Under a lease of an older epoch nothing new may start. Whoever leaves, or
  // drives, takes all that was handed over.
  const works =
    executor.epoch !== epoch || executor.width === 0
      ? 0
      : leaving || drives
        ? Infinity
        : args.want;
  const rows = await findUndelivered(
    ctx,
    executor._id,
    stats.cursor,
    works,
    // What a driver has just handed over to itself is in no snapshot.
    leaving || drives,
  );
  const count = countDeliverable(rows, {
    works,
    bytes: args.wantBytes,
    nothingHeld: inFlight(stats) === 0,
  });
  for (const handOver of rows.slice(0, count)) {
    next.push(
      ...(await deliverHandOver(ctx, console, executor, stats, handOver)),
    );
  }
  // The loop reads `closing` before it hands over more.
  const closed = executor.closing || (closing && count === rows.length);
  return {
    closed,
    done: closed && count === rows.length && inFlight(stats) === 0,
    undelivered: rows
      .slice(count)
      .reduce((sum, row) => sum + row.works.length, 0),
  };
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
      closing: true,
      done: stats.tally,
    });
    return;
  }
  if (closed && !executor.closing) {
    await ctx.db.patch("executor", executor._id, { closing: true });
  }
  const {
    _id: _,
    _creationTime: __,
    ...fields
  } = stats as Doc<"executorStats">;
  if (row) await ctx.db.replace("executorStats", row._id, fields);
  else await ctx.db.insert("executorStats", fields);
}

function inFlight(stats: Pick<Stats, "open">): number {
  return stats.open.reduce((sum, { left }) => sum + left.length, 0);
}

/** Applies the results whose positions are still open, and closes those. */
async function takeResults(
  ctx: MutationCtx,
  console: Logger,
  stats: Stats,
  args: ReportArgs,
): Promise<number | null> {
  const open = new Set(stats.open.flatMap(({ left }) => left));
  const news = args.results.filter(({ position }) => open.has(position));
  const { tally, earliestRetryAt } = await applyResults(
    ctx,
    console,
    news,
    args.inlineCallbacks,
  );
  stats.tally = addTally(stats.tally, tally);
  await close(ctx, stats, new Set(news.map(({ position }) => position)));
  return earliestRetryAt;
}

/** Crosses off what ended; a hand-over goes with its last member. */
async function close(
  ctx: MutationCtx,
  stats: Stats,
  ended: Set<number>,
): Promise<void> {
  const open: Stats["open"] = [];
  for (const { runningId, left } of stats.open) {
    const remaining = left.filter((position) => !ended.has(position));
    stats.ended += left.length - remaining.length;
    if (remaining.length > 0) open.push({ runningId, left: remaining });
    else if (runningId) await ctx.db.delete("running", runningId);
  }
  stats.open = open;
}

/** Attempts that were delivered in a reply which never arrived. */
async function resend(
  ctx: MutationCtx,
  console: Logger,
  executor: Doc<"executor">,
  stats: Stats,
  { holding }: ReportArgs,
): Promise<Attempt[]> {
  const held = new Set(holding);
  const lost = stats.open.flatMap(({ runningId, left }) =>
    left
      .filter((position) => !held.has(position))
      .map((position) => ({ runningId, position })),
  );
  if (lost.length === 0) return [];
  const members: { position: number; workId: Id<"work"> }[] = [];
  for (const { runningId, position } of lost) {
    const row = runningId && (await ctx.db.get("running", runningId));
    const workId = row
      ? row.works[position - row.first]
      : executor.first[position - executor.firstPosition];
    if (workId) members.push({ position, workId });
  }
  const { attempts, ended } = await deliver(ctx, console, members, true);
  await close(ctx, stats, new Set(ended));
  return attempts;
}

async function deliverHandOver(
  ctx: MutationCtx,
  console: Logger,
  executor: Doc<"executor">,
  stats: Stats,
  handOver: Doc<"running">,
): Promise<Attempt[]> {
  const members = handOver.works.map((workId, index) => ({
    position: handOver.first + index,
    workId,
  }));
  stats.open.push({
    runningId: handOver._id,
    left: members.map(({ position }) => position),
  });
  stats.cursor = handOver.first + members.length;
  const { attempts, ended, started } = await deliver(
    ctx,
    console,
    members,
    false,
  );
  logStarted(console, started, executor.scheduledId);
  await close(ctx, stats, new Set(ended));
  return attempts;
}
