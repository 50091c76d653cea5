/**
 * Callbacks that are owed: their outcome is recorded, they have not run. One is
 * run from the scheduler, which retries conflicts without limit, in the very
 * transaction that crosses it off. One that throws is retried with backoff; one
 * that keeps throwing stays visible as failed, with its error.
 *
 *     owed ── runs ──▶ done
 *      │ ▲
 *      │ └─ throws: later again, for half an hour (callbackSchedule.ts)
 *      └──── then ──▶ failed
 *
 * A callback can take its transaction down with it (one second of CPU is not
 * catchable), and a scheduled function can be canceled by hand. The watchdog
 * therefore looks for overdue ones ({@link sweepOverdueCallbacks}).
 */
import type { SystemDataModel } from "convex/server";
import { v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import {
  internalMutation,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server.js";
import { callbackWaitMs, isGivenUp, OVERDUE_MS } from "./callbackSchedule.js";
import { effectiveConfig } from "../queue/configRow.js";
import { formatError } from "./errorText.js";
import { runUserMutation } from "./invoke.js";
import { createLogger, type Logger } from "../logging.js";
import { keptWork, removeOutcome } from "./kept.js";
import { deletePayload, loadValue } from "./payload.js";
import { loadResult } from "./result.js";
import { DAY } from "../shared.js";
import { cursorAfter, scanFrom } from "../timeCursor.js";

/** How many overdue callbacks one sweep sends out again. */
const SWEEP_LIMIT = 16;
/** A callback given up is kept at least this long for people to see. */
const FAILED_CALLBACK_TTL = 7 * DAY;

export type OwedCallback = NonNullable<Doc<"complete">["callback"]>;

/** Schedules the delivery of what `row` owes and notes who will do it. */
export async function scheduleCallback(
  ctx: MutationCtx,
  completeId: Id<"complete">,
  callback: OwedCallback,
  dueAt: number,
): Promise<Id<"_scheduled_functions">> {
  const scheduledId = await ctx.scheduler.runAt(
    dueAt,
    internal.work.callback.deliver,
    { completeId },
  );
  await ctx.db.patch("complete", completeId, {
    // As long as it is owed, its outcome stays.
    expiresAt: null,
    callback: { ...callback, dueAt, scheduledId },
  });
  return scheduledId;
}

export const deliver = internalMutation({
  args: { completeId: v.id("complete") },
  returns: v.null(),
  handler: async (ctx, { completeId }) => {
    const row = await ctx.db.get("complete", completeId);
    const callback = row?.callback;
    // Someone else was here before.
    if (!row || callback?.state !== "owed") return null;

    const { logLevel } = await effectiveConfig(ctx);
    const console = createLogger(logLevel);
    let error: string | null = null;
    try {
      await runUserMutation(ctx, {
        fnHandle: callback.fnHandle,
        fnName: `onComplete of ${row.fnName}`,
        fnArgs: {
          workId: row.workId,
          context: await loadValue(ctx, {
            value: callback.context,
            payloadId: callback.contextId,
          }),
          result: await loadResult(ctx, row),
        },
      });
    } catch (thrown) {
      error = formatError(thrown);
    }
    if (error === null) await settle(ctx, row, callback, "done");
    else await recordFailure(ctx, console, row, callback, error);
    return null;
  },
});

async function recordFailure(
  ctx: MutationCtx,
  console: Logger,
  row: Doc<"complete">,
  callback: OwedCallback,
  error: string,
): Promise<void> {
  const attempts = callback.attempts + 1;
  const now = Date.now();
  if (isGivenUp(attempts, now - row.finishedAt)) {
    console.error(
      `[callback] onComplete of ${row.fnName} (work ${row.workId}) failed ${attempts} times and is given up: ${error}`,
    );
    await settle(
      ctx,
      row,
      { ...callback, attempts, lastError: error },
      "failed",
    );
    return;
  }
  console.error(
    `[callback] onComplete of ${row.fnName} (work ${row.workId}) failed and will be retried: ${error}`,
  );
  const dueAt = Math.ceil(now + callbackWaitMs(attempts, Math.random()));
  await scheduleCallback(
    ctx,
    row._id,
    { ...callback, attempts, lastError: error },
    dueAt,
  );
}

/** Nothing is owed any more: keep the outcome for what is left of its time, or not at all. */
async function settle(
  ctx: MutationCtx,
  row: Doc<"complete">,
  callback: OwedCallback,
  state: "done" | "failed",
): Promise<void> {
  const expiresAt =
    state === "done"
      ? row.finishedAt + row.ttl
      : Date.now() + Math.max(row.ttl, FAILED_CALLBACK_TTL);
  if (expiresAt <= Date.now()) return await removeOutcome(ctx, row);
  await ctx.db.patch("complete", row._id, {
    expiresAt,
    callback: {
      // One that failed may be tried again.
      ...(state === "done" ? await withoutContext(ctx, row) : callback),
      state,
      dueAt: null,
    },
  });
}

/** A work that is kept needs its context for its next round. */
async function withoutContext(
  ctx: MutationCtx,
  row: Doc<"complete">,
): Promise<OwedCallback> {
  const { context: _, contextId, ...rest } = row.callback!;
  if (contextId !== undefined && !(await keptWork(ctx, row.workId))) {
    await deletePayload(ctx, contextId);
  }
  return rest;
}

/**
 * Sends out again what is long overdue and no longer on its way: its delivery
 * was ended by the platform, or canceled. That counts as a failed attempt, since
 * a callback that kills its transaction cannot count it itself. A delivery that
 * is pending or in progress, however late, is left alone: conflicts delay it,
 * and the scheduler retries those without limit.
 */
export async function sweepOverdueCallbacks(
  ctx: MutationCtx,
  console: Logger,
): Promise<void> {
  const now = Date.now();
  const overdue = await ctx.db
    .query("complete")
    .withIndex("by_callback", (q) =>
      q.eq("callback.state", "owed").lt("callback.dueAt", now - OVERDUE_MS),
    )
    .take(SWEEP_LIMIT);
  for (const row of overdue) {
    const callback = row.callback!;
    const delivery = await deliveryOf(ctx, callback);
    if (isOnItsWay(delivery)) continue;
    const { lastError } = afterLostDelivery(callback, delivery);
    await recordFailure(ctx, console, row, callback, lastError);
  }
}

/** The scheduled function that is to run what is owed. */
type Delivery = SystemDataModel["_scheduled_functions"]["document"];

/** Null: none was scheduled, or it is gone. */
export async function deliveryOf(
  ctx: QueryCtx,
  { scheduledId }: { scheduledId?: Id<"_scheduled_functions"> | undefined },
): Promise<Delivery | null> {
  return scheduledId === undefined
    ? null
    : await ctx.db.system.get("_scheduled_functions", scheduledId);
}

export function isOnItsWay(delivery: Delivery | null): boolean {
  const kind = delivery?.state.kind;
  return kind === "pending" || kind === "inProgress";
}

/** A delivery that the platform ended, or that was canceled, is a failure that nobody has counted yet. */
export function afterLostDelivery<Owed extends { attempts: number }>(
  callback: Owed,
  delivery: Delivery | null,
): Owed & { lastError: string } {
  return {
    ...callback,
    attempts: callback.attempts + 1,
    lastError:
      delivery?.state.kind === "failed"
        ? delivery.state.error
        : "The callback's delivery was canceled or lost.",
  };
}

/**
 * When the watchdog should look after the earliest owed callback. Null: nothing is owed.
 *
 * @param cursor - What {@link owedCursor} returned before. Undefined: everything is looked at.
 */
export async function nextOwedCallback(
  ctx: QueryCtx,
  now: number,
  cursor?: number,
): Promise<number | null> {
  const next = await ctx.db
    .query("complete")
    .withIndex("by_callback", (q) =>
      q
        .eq("callback.state", "owed")
        .gte("callback.dueAt", scanFrom(cursor, now) ?? 0),
    )
    .first();
  return next === null ? null : next.callback!.dueAt! + OVERDUE_MS;
}

/**
 * Behind this lies no owed callback: each is written with a due time that has not
 * passed yet (see `timeCursor.ts`). What is not owed any more leaves tombstones there.
 *
 * @param owedAt - What {@link nextOwedCallback} said.
 */
export function owedCursor(owedAt: number | null, now: number): number {
  return cursorAfter(owedAt === null ? null : owedAt - OVERDUE_MS, now);
}
