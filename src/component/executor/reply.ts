/** What the reply to a report brings: attempts that were lost on their way, and new ones. */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import type { Logger } from "../logging.js";
import type { Attempt } from "../loop/attempt.js";
import {
  countDeliverable,
  deliver,
  findUndelivered,
  logStarted,
} from "../loop/delivery.js";
import type { Turned } from "../loop/driverTurn.js";
import {
  closePositions,
  type Member,
  memberAt,
  openWorks,
  type Stats,
} from "../loop/positions.js";
import { isFull } from "./memory.js";
import type { HandOver } from "../loop/turning.js";
import type { ReportArgs } from "./protocol.js";

type Delivered = {
  /** No hand-over will follow. */
  closed: boolean;
  done: boolean;
  /** How many works were handed over to it and not delivered. */
  undelivered: number;
  /** It has no memory for the arguments of more, and does not ask for any. */
  memoryFull: boolean;
};

export const NOTHING_DELIVERED = {
  done: false,
  undelivered: 0,
  memoryFull: false,
};

/** What is being answered. */
type Answering = {
  ctx: MutationCtx;
  console: Logger;
  executor: Doc<"executor">;
  stats: Stats;
  args: ReportArgs;
  turned: Turned;
};

/**
 * Adds to `next` what waits for this executor, and decides whether it may leave.
 *
 * @param epoch - Of the settings in force.
 */
export async function deliverNext(
  { ctx, console, executor, stats, args, turned }: Answering,
  epoch: number,
  next: Attempt[],
): Promise<Delivered> {
  const sentAgain = next.length;
  const { driving } = turned;
  const closing = args.closing || driving.kind === "parked";
  const leaving = closing || executor.state.kind !== "open";
  const handsOver = driving.kind === "drives" || driving.kind === "refilled";
  // Under a lease of an older epoch nothing new may start. Whoever leaves, or has
  // just handed something over to itself, takes all that was handed over.
  const works =
    executor.epoch !== epoch || executor.width === 0
      ? 0
      : leaving || handsOver
        ? Infinity
        : args.want;
  // What it has just handed over to itself is in no snapshot.
  const thorough = leaving || handsOver;
  const rows =
    (thorough ? turned.undelivered : null) ??
    (await findUndelivered(ctx, executor._id, stats.cursor, works, thorough));
  const count = countDeliverable(rows, {
    works,
    bytes: args.wantBytes,
    nothingHeld: openWorks(stats) === 0,
  });
  for (const handOver of rows.slice(0, count)) {
    next.push(
      ...(await deliverHandOver(ctx, console, executor, stats, handOver)),
    );
  }
  // The loop reads `closing` before it hands over more. Who has not been given all
  // of it yet has to come again.
  const closed = leaving && count === rows.length;
  const undelivered = rows
    .slice(count)
    .reduce((sum, row) => sum + row.works.length, 0);
  const taken = next.length - sentAgain;
  return {
    closed,
    done: closed && openWorks(stats) === 0,
    undelivered,
    memoryFull:
      openWorks(stats) > 0 &&
      ((undelivered > 0 && taken < works) ||
        isFull(args.wantBytes - bytesOf(next))),
  };
}

function bytesOf(attempts: readonly Attempt[]): number {
  return attempts.reduce((sum, { size }) => sum + size, 0);
}

/** Attempts that were delivered in a reply which never arrived. */
export async function resend(
  ctx: MutationCtx,
  console: Logger,
  executor: Doc<"executor">,
  stats: Stats,
  { holding }: ReportArgs,
): Promise<Attempt[]> {
  // Of those that are over the works are no longer its own.
  const held = new Set([...holding, ...(stats.over ?? [])]);
  const lost = stats.open.flatMap(({ runningId, left }) =>
    left
      .filter((position) => !held.has(position))
      .map((position) => ({ runningId, position })),
  );
  if (lost.length === 0) return [];
  const members: Member[] = [];
  for (const { runningId, position } of lost) {
    const member = await memberAt(ctx, executor, runningId, position);
    if (member) members.push(member);
  }
  const { attempts, ended } = await deliver(ctx, console, members, true);
  await closePositions(ctx, stats, new Set(ended));
  return attempts;
}

async function deliverHandOver(
  ctx: MutationCtx,
  console: Logger,
  executor: Doc<"executor">,
  stats: Stats,
  handOver: HandOver,
): Promise<Attempt[]> {
  const members = handOver.works.map((workId, index) => ({
    position: handOver.first + index,
    workId,
    since: handOver._creationTime ?? Infinity,
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
  await closePositions(ctx, stats, new Set(ended));
  return attempts;
}
