/**
 * Delivery: from the hand-overs the loop made to the executor that asks. A work
 * is *assigned* by the loop, *delivered* in a report's reply, and *begun* when
 * its handler is called. Only whole hand-overs are delivered; the loop makes
 * none larger than the free part of the executor's lease.
 */
import { v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import {
  internalQuery,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server.js";
import { workBytes } from "../queue/entries.js";
import { type Logger, recordStarted } from "../logging.js";
import { startByOf, tooLateAt } from "../queue/startBy.js";
import { lateOf, withLate } from "../work/late.js";
import { Settler } from "../work/settler.js";
import { loadValue } from "../work/payload.js";
import type { Attempt } from "./attempt.js";
import { liveWork } from "../work/live.js";
import { hasGoneOn, type Member } from "./positions.js";

/** A reply is an argument to nobody, but it crosses process borders: keep it well below 16 MiB. */
const MAX_REPLY_BYTES = 6_000_000;
/** How many hand-overs one reply looks at. */
const MAX_HAND_OVERS = 64;

export const waiting = internalQuery({
  args: {
    executorId: v.id("executor"),
    cursor: v.number(),
    works: v.number(),
  },
  returns: v.array(v.id("running")),
  handler: async (ctx, { executorId, cursor, works }) =>
    (await undelivered(ctx, executorId, cursor, works)).map((row) => row._id),
});

/** No more than have `works` works, but one if there is any: who wants to leave must know of it. */

async function undelivered(
  ctx: QueryCtx,
  executorId: Id<"executor">,
  cursor: number,
  works: number,
): Promise<Doc<"running">[]> {
  const rows: Doc<"running">[] = [];
  let found = 0;
  const waiting = ctx.db
    .query("running")
    .withIndex("by_executor", (q) =>
      q.eq("executorId", executorId).gte("first", cursor),
    );
  for await (const row of waiting) {
    rows.push(row);
    found += row.works.length;
    if (found >= works || rows.length === MAX_HAND_OVERS) break;
  }
  return rows;
}

/**
 * The hand-overs not delivered yet, as many as have `works` works. A stale look leaves no read dependency, so
 * that the loop can hand over meanwhile; what it misses, the next report finds.
 * A `thorough` look is for an executor about to leave, for which no next report comes.
 */
export async function findUndelivered(
  ctx: MutationCtx,
  executorId: Id<"executor">,
  cursor: number,
  works: number,
  thorough: boolean,
): Promise<Doc<"running">[]> {
  if (thorough) return await undelivered(ctx, executorId, cursor, works);
  const ids: Id<"running">[] = await ctx.runQuery(
    internal.loop.delivery.waiting,
    { executorId, cursor, works },
    { useStaleSnapshot: true },
  );
  const rows: Doc<"running">[] = [];
  for (const id of ids) {
    // The loop may have taken it back since the snapshot.
    const row = await ctx.db.get("running", id);
    if (row) rows.push(row);
  }
  return rows;
}

/**
 * Pure: how many of the waiting hand-overs the executor can make use of, as far
 * as its memory and one reply allow. The last one may be more than it wants: the
 * rest goes to its buffer.
 */
export function countDeliverable(
  handOvers: readonly { works: readonly unknown[]; bytes: number }[],
  room: { works: number; bytes: number; nothingHeld: boolean },
): number {
  let works = room.works;
  let bytes = Math.min(room.bytes, MAX_REPLY_BYTES);
  let count = 0;
  for (const row of handOvers) {
    // The first always fits an executor that has nothing else, whatever its size.
    const alone = room.nothingHeld && count === 0;
    if (works <= 0 || (row.bytes > bytes && !alone)) break;
    works -= row.works.length;
    bytes -= row.bytes;
    count += 1;
  }
  return count;
}

/**
 * Turns members of a hand-over into attempts. A work that was canceled since it
 * was handed over, or may not begin any more, ends here, unstarted; but not when it is sent
 * `again`, since then it may have begun.
 *
 * @returns the attempts, the positions that ended, and what to log as started.
 */
export async function deliver(
  ctx: MutationCtx,
  console: Logger,
  members: readonly Member[],
  again: boolean,
): Promise<{ attempts: Attempt[]; ended: number[]; started: Started[] }> {
  const attempts: Attempt[] = [];
  const started: Started[] = [];
  const ended: number[] = [];
  const now = Date.now();
  for (const member of members) {
    const { position, workId } = member;
    const work = await liveWork(ctx, workId);
    if (!work || hasGoneOn(work, member)) {
      ended.push(position);
      continue;
    }
    // What waited for too long while it was handed over does not begin, either.
    const isOver =
      work.canceled || work.suspended !== undefined || tooLateAt(work, now);
    if (!again && isOver) {
      await new Settler(ctx, console).settle(work, { kind: "returned" });
      ended.push(position);
      continue;
    }
    const startBy = startByOf(work);
    attempts.push({
      position,
      workId,
      fence: work.fence ?? 0,
      fnType: work.fnType,
      fnHandle: work.fnHandle,
      fnName: work.fnName,
      size: workBytes(work),
      ...(work.timeoutMs === undefined ? {} : { timeoutMs: work.timeoutMs }),
      ...(work.onTimeout === undefined ? {} : { onTimeout: work.onTimeout }),
      ...(startBy === undefined ? {} : { startBy }),
      ...(work.onComplete ? { awaited: true } : {}),
      ...(work.fnType === "action" ? await argumentsOf(ctx, work) : {}),
    });
    started.push({
      workId,
      fnName: work.fnName,
      enqueuedAt: work._creationTime,
      startedAt: now,
      startLag: now - Math.max(work.runAt, work._creationTime),
    });
  }
  return { attempts, ended, started };
}

/** Of an action. Those that are late are filled in here; the executor does so again if it knows more by then. */
async function argumentsOf(
  ctx: QueryCtx,
  work: Doc<"work">,
): Promise<Pick<Attempt, "fnArgs" | "late">> {
  const { fnArgs: value, argsId: payloadId, late, timeoutMs } = work;
  const fnArgs = await loadValue(ctx, { value, payloadId });
  if (!late) return { fnArgs };
  return {
    fnArgs: withLate(work, late, fnArgs),
    ...(timeoutMs === undefined ? {} : { late: lateOf(work, late) }),
  };
}

type Started = Omit<Parameters<typeof recordStarted>[1], "scheduledFunctionId">;

/** `scheduledFunctionId`: the executor's. */
export function logStarted(
  console: Logger,
  started: readonly Started[],
  scheduledFunctionId: Id<"_scheduled_functions"> | null,
): void {
  for (const each of started) {
    recordStarted(console, {
      ...each,
      scheduledFunctionId: scheduledFunctionId ?? undefined,
    });
  }
}
