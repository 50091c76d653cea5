/**
 * Notices of failure: the pool's `onFailed`, told once of each work that ended as
 * failed. A notice is a row of its own, apart from the `onComplete` of its work,
 * so that neither waits for the other. It is written in the transaction that ends the work and
 * delivered like a callback (`callback.ts`): by the scheduler, in the transaction that
 * deletes it, and again with backoff when it throws. One that is given up is logged
 * (`noticeGivenUp`) and deleted: the outcome of its work stays as it is.
 */
import { v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import {
  internalMutation,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server.js";
import { createLogger, type Logger, recordIncident } from "../logging.js";
import { effectiveConfig } from "../queue/configRow.js";
import type { FailureNotice } from "../shared.js";
import { scanFrom } from "../timeCursor.js";
import { afterLostDelivery, deliveryOf, isOnItsWay } from "./callback.js";
import { callbackWaitMs, isGivenUp, OVERDUE_MS } from "./callbackSchedule.js";
import { formatError } from "./errorText.js";
import { runUserMutation } from "./invoke.js";

/** How many overdue notices one sweep sends out again, and one page of `kick` sends early. */
export const PAGE_SIZE = 16;

/** Owes the notice that this work has failed. */
export async function oweNotice(
  ctx: MutationCtx,
  fnHandle: string,
  notice: FailureNotice,
  now: number,
): Promise<void> {
  const id = await ctx.db.insert("notice", {
    fnHandle,
    notice,
    owedAt: now,
    attempts: 0,
    dueAt: now,
  });
  await send(ctx, id, {}, now);
}

async function send(
  ctx: MutationCtx,
  noticeId: Id<"notice">,
  change: { attempts?: number; lastError?: string },
  dueAt: number,
): Promise<void> {
  const scheduledId = await ctx.scheduler.runAt(
    dueAt,
    internal.work.notice.deliver,
    { noticeId },
  );
  await ctx.db.patch("notice", noticeId, { ...change, dueAt, scheduledId });
}

export const deliver = internalMutation({
  args: { noticeId: v.id("notice") },
  returns: v.null(),
  handler: async (ctx, { noticeId }) => {
    const row = await ctx.db.get("notice", noticeId);
    // Someone else was here before.
    if (row === null) return null;
    try {
      await runUserMutation(ctx, {
        fnHandle: row.fnHandle,
        fnName: `onFailed for ${row.notice.fnName}`,
        fnArgs: row.notice,
      });
    } catch (thrown) {
      const { logLevel } = await effectiveConfig(ctx);
      const error = formatError(thrown);
      await recordFailure(ctx, createLogger(logLevel), row, error);
      return null;
    }
    await ctx.db.delete("notice", noticeId);
    return null;
  },
});

async function recordFailure(
  ctx: MutationCtx,
  console: Logger,
  row: Doc<"notice">,
  error: string,
): Promise<void> {
  const attempts = row.attempts + 1;
  const now = Date.now();
  const { workId, fnName } = row.notice;
  if (isGivenUp(attempts, now - row.owedAt)) {
    recordIncident(
      console,
      "error",
      "noticeGivenUp",
      "onFailed has thrown for half an hour and is not told of this failure any more",
      { workId, fnName, attempts, error },
    );
    await ctx.db.delete("notice", row._id);
    return;
  }
  console.error(
    `[notice] onFailed for ${fnName} (work ${workId}) failed and will be retried: ${error}`,
  );
  const dueAt = Math.ceil(now + callbackWaitMs(attempts, Math.random()));
  await send(ctx, row._id, { attempts, lastError: error }, dueAt);
}

/** Sends out again what is long overdue and not on its way, as `sweepOverdueCallbacks` does. */
export async function sweepOverdueNotices(
  ctx: MutationCtx,
  console: Logger,
): Promise<void> {
  const overdue = await ctx.db
    .query("notice")
    .withIndex("by_due", (q) => q.lt("dueAt", Date.now() - OVERDUE_MS))
    .take(PAGE_SIZE);
  for (const row of overdue) {
    const delivery = await deliveryOf(ctx, row);
    if (isOnItsWay(delivery)) continue;
    const { lastError } = afterLostDelivery(row, delivery);
    await recordFailure(ctx, console, row, lastError);
  }
}

/**
 * Has the notices tried at once that wait for a later try, a page at a time. One that was
 * scheduled after the kick has failed again since, and is left alone.
 *
 * @param after - The latest due time of the page before.
 */
export async function sendOwedNotices(
  ctx: MutationCtx,
  kickedAt: number,
  after: number = kickedAt,
): Promise<void> {
  const rows = await ctx.db
    .query("notice")
    .withIndex("by_due", (q) => q.gt("dueAt", after))
    .take(PAGE_SIZE);
  for (const row of rows) {
    const delivery = await deliveryOf(ctx, row);
    if (delivery?.state.kind === "inProgress") continue;
    if (delivery && delivery._creationTime > kickedAt) continue;
    if (delivery?.state.kind === "pending") {
      await ctx.scheduler.cancel(delivery._id);
    }
    await send(ctx, row._id, {}, Date.now());
  }
  if (rows.length < PAGE_SIZE) return;
  await ctx.scheduler.runAfter(0, internal.work.notice.kickPage, {
    kickedAt,
    after: rows.at(-1)!.dueAt,
  });
}

export const kickPage = internalMutation({
  args: { kickedAt: v.number(), after: v.number() },
  returns: v.null(),
  handler: async (ctx, { kickedAt, after }): Promise<null> => {
    await sendOwedNotices(ctx, kickedAt, after);
    return null;
  },
});

/** When the watchdog should look after the earliest notice: see `nextOwedCallback`. Null: none is owed. */
export async function nextOwedNotice(
  ctx: QueryCtx,
  now: number,
  cursor?: number,
): Promise<number | null> {
  const next = await ctx.db
    .query("notice")
    .withIndex("by_due", (q) => q.gte("dueAt", scanFrom(cursor, now) ?? 0))
    .first();
  return next === null ? null : next.dueAt + OVERDUE_MS;
}
