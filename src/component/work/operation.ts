/**
 * What is done to all outcomes that a filter finds: a page of them at a time, in the
 * order in which the works ended. The first page is part of the transaction of
 * whoever calls; each further one has its own, and the page before schedules it. What a
 * page schedules is undone when the page fails, and nobody would go on: so a page must not
 * be able to fail. It runs no code of users, and it ends where its budget does.
 *
 *     begun ── nothing is left ──▶ (no row)
 *       │
 *       └─ a page is full ──▶ row, next page scheduled ── the last page ──▶ row deleted
 *                              │
 *                              └─ cancelMany, cancelAll (retries) ──▶ row deleted: the page exits
 *
 * Outcomes that appear after the operation began are left alone, so that a work
 * that fails again is not tried again by the same call.
 */
import { streamIndexRange } from "convex-helpers/server/stream";
import { getConvexSize, v, type Value } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "../_generated/server.js";
import { TransactionBudget } from "../budget.js";
import { createLogger, type Logger } from "../logging.js";
import { effectiveConfig } from "../queue/configRow.js";
import schema from "../schema.js";
import { everythingSoFar } from "./cancel.js";
import { CallbackRetrier } from "./callbackRetry.js";
import {
  type Done,
  type Filter,
  matches,
  type Operation,
  type OperationPosition,
} from "./filter.js";
import { Forgetter } from "./forget.js";
import { isExpired } from "./kept.js";
import { Rounds } from "./retry.js";

/** Outcomes of one page: few enough to rarely meet a report or a delivery. */
const PAGE_WORKS = 100;

/**
 * From one page to the next: no more than 5,000 works a second begin another round, whatever
 * else the deployment has to do.
 */
const PAGE_EVERY_MS = 20;

/** Read and written by one page. The first one shares the transaction of whoever calls. */
const MAX_PAGE_BYTES = 2_000_000;

/** Operations that `startOperation` looks at, to remove those whose next page was lost. */
const MAX_SEEN = 100;

/** What is done to one outcome. */
export interface Handler {
  /** What handling this outcome uses at most, in bytes: counts where the platform does not measure. */
  bytes(row: Doc<"complete">): number;
  /** @returns why it is left alone. Null: it was handled. */
  handle(row: Doc<"complete">): Promise<string | null>;
  /** What the outcomes of a page share. */
  finish(): Promise<void>;
}

/** Which outcomes an operation may concern, as ranges of an index. */
type Range = {
  index: "by_kind" | "by_kind_and_name" | "by_callback_state";
  prefix: string[];
};

export async function startOperation(
  ctx: MutationCtx,
  console: Logger,
  operation: Operation,
): Promise<Done> {
  const startedAt = Date.now();
  const page = await runPage(ctx, console, operation, startedAt, { range: 0 });
  const { matched, skipped, why, next } = page;
  if (next !== null) {
    await removeLost(ctx);
    const id = await ctx.db.insert("operation", {
      ...operation,
      startedAt,
      position: next,
      matched,
      skipped,
    });
    if (!(await scheduleNext(ctx, id))) {
      throw new Error(
        "Nothing was changed: there is more than one page of works, and the next page could not be scheduled, because the scheduled function that makes this call was canceled.",
      );
    }
  }
  const isDone = next === null;
  return { matched, skipped, isDone, ...(why === null ? {} : { why }) };
}

export const nextPage = internalMutation({
  args: { operationId: v.id("operation") },
  returns: v.null(),
  handler: async (ctx, { operationId }): Promise<null> => {
    const row = await ctx.db.get("operation", operationId);
    // It was stopped.
    if (row === null) return null;
    const { logLevel } = await effectiveConfig(ctx);
    const console = createLogger(logLevel);
    const page = await runPage(ctx, console, row, row.startedAt, row.position);
    if (page.next === null) {
      await ctx.db.delete("operation", operationId);
    } else {
      await ctx.db.patch("operation", operationId, {
        position: page.next,
        matched: row.matched + page.matched,
        skipped: row.skipped + page.skipped,
      });
      if (!(await scheduleNext(ctx, operationId))) {
        // What this page has done counts; whoever canceled it wanted no more.
        console.warn(`[${row.kind}] was canceled before all works were done`);
        await ctx.db.delete("operation", operationId);
      }
    }
    console.end();
    return null;
  },
});

async function runPage(
  ctx: MutationCtx,
  console: Logger,
  operation: Operation,
  startedAt: number,
  from: OperationPosition,
): Promise<{
  matched: number;
  skipped: number;
  why: string | null;
  next: OperationPosition | null;
}> {
  const page = { matched: 0, skipped: 0, why: null as string | null };
  const budget = new TransactionBudget(ctx, {
    works: PAGE_WORKS,
    bytes: MAX_PAGE_BYTES,
  });
  if (await budget.isUsedUp()) return { ...page, next: from };
  const handler = handlerOf(ctx, console, operation, startedAt);
  const ranges = rangesOf(operation);
  let position: OperationPosition | null = from;
  while (position !== null && position.range < ranges.length) {
    const range: Range = ranges[position.range]!;
    let isFull = false;
    const rows: AsyncIterable<Doc<"complete">> = outcomes(
      ctx,
      range,
      operation.filter,
      startedAt,
      position,
    );
    for await (const row of rows) {
      isFull = !(await budget.hasRoom());
      if (isFull) break;
      position = {
        range: position.range,
        after: { creationTime: row._creationTime, id: row._id },
      };
      if (!matches(operation.filter, row) || isExpired(row, startedAt)) {
        budget.pass(getConvexSize(row as Value));
        continue;
      }
      budget.spend(1, handler.bytes(row));
      const skippedBecause = await handler.handle(row);
      if (skippedBecause === null) page.matched += 1;
      else page.skipped += 1;
      page.why ??= skippedBecause;
    }
    if (isFull) break;
    position = { range: position.range + 1 };
  }
  await handler.finish();
  const isOver = position.range >= ranges.length;
  return { ...page, next: isOver ? null : position };
}

function handlerOf(
  ctx: MutationCtx,
  console: Logger,
  { kind, retry }: Operation,
  startedAt: number,
): Handler {
  switch (kind) {
    case "retry":
      return new Rounds(ctx, console, retry ?? {});
    case "forget":
      return new Forgetter(ctx);
    case "retryCallbacks":
      return new CallbackRetrier(ctx, startedAt);
  }
}

function rangesOf({ kind, filter }: Operation): Range[] {
  const { fnName, state } = filter;
  const ended = (result: string): Range =>
    fnName === undefined
      ? { index: "by_kind", prefix: [result] }
      : { index: "by_kind_and_name", prefix: [result, fnName] };
  switch (kind) {
    case "retry":
      return [ended("failed")];
    case "forget":
      return filter.reason !== undefined && state === undefined
        ? [ended("failed"), ended("canceled")]
        : (state === undefined
            ? ["success", "failed", "canceled"]
            : [state]
          ).map(ended);
    case "retryCallbacks":
      // Failed ones are owed from then on: they must not be met again.
      return ["owed", "failed"].map((each) => ({
        index: "by_callback_state",
        prefix: [each],
      }));
  }
}

/** Behind `after`, those that had ended when the operation began. */
function outcomes(
  ctx: MutationCtx,
  { index, prefix }: Range,
  filter: Filter,
  startedAt: number,
  { after }: OperationPosition,
): AsyncIterable<Doc<"complete">> {
  const from = after
    ? [...prefix, after.creationTime, after.id]
    : [...prefix, ...(filter.after === undefined ? [] : [filter.after])];
  const latest = everythingSoFar(startedAt);
  const until = Math.min(filter.before ?? Infinity, latest);
  return streamIndexRange(
    ctx.db,
    schema,
    "complete",
    index,
    {
      lowerBound: from,
      lowerBoundInclusive: after === undefined && filter.after === undefined,
      upperBound: [...prefix, until],
      upperBoundInclusive: until !== filter.before,
    },
    "asc",
  );
}

/** False: within a scheduled function that was canceled, Convex inserts new ones already canceled. */
async function scheduleNext(
  ctx: MutationCtx,
  operationId: Id<"operation">,
): Promise<boolean> {
  const scheduledId = await ctx.scheduler.runAfter(
    PAGE_EVERY_MS,
    internal.work.operation.nextPage,
    { operationId },
  );
  await ctx.db.patch("operation", operationId, { scheduledId });
  const job = await ctx.db.system.get("_scheduled_functions", scheduledId);
  return job?.state.kind === "pending";
}

/** Rows of operations whose next page was canceled by hand, or died. */
async function removeLost(ctx: MutationCtx): Promise<void> {
  for (const { _id, scheduledId } of await ctx.db
    .query("operation")
    .take(MAX_SEEN)) {
    const job =
      scheduledId &&
      (await ctx.db.system.get("_scheduled_functions", scheduledId));
    const kind = job?.state.kind;
    if (kind !== "pending" && kind !== "inProgress") {
      await ctx.db.delete("operation", _id);
    }
  }
}
