/** Cancelation: what waits ends here; what runs may finish, but is not retried. */
import { getConvexSize, type Value } from "convex/values";
import { api } from "./_generated/api.js";
import type { Doc } from "./_generated/dataModel.js";
import type { MutationCtx } from "./_generated/server.js";
import { removeFromEntries } from "./entries.js";
import type { Logger } from "./logging.js";
import { endWork } from "./outcome.js";
import { wakeForChange } from "./wake.js";

/** Works per page, unless the caller says otherwise: few enough to rarely meet a report that ends one of them. */
export const DEFAULT_CANCEL_LIMIT = 100;

/** Works carry small arguments and contexts inline; a transaction may read 16 MiB. */
const MAX_PAGE_BYTES = 2_000_000;

/**
 * Each document of a transaction is created a tiny bit (2⁻¹² ms) after the one
 * before it. The 16,000 that one transaction may write are therefore up to 4 ms
 * ahead of its clock. Reading further ahead than that would make concurrent
 * enqueues conflict with `cancelAll`.
 */
const MAX_CREATION_LEAD_MS = 4;

/** A time that comes after everything enqueued so far, and before almost everything to come. */
export function everythingSoFar(now: number): number {
  return now + MAX_CREATION_LEAD_MS;
}

/** Any string will do for `id`. */
export async function cancelOne(
  ctx: MutationCtx,
  console: Logger,
  id: string,
): Promise<void> {
  const workId = ctx.db.normalizeId("work", id);
  const work = workId && (await ctx.db.get("work", workId));
  if (work) {
    await cancelWorks(ctx, console, [work]);
  } else {
    console.debug(`[cancel] there is no work ${id}, or it has ended`);
  }
}

/**
 * Cancels what was enqueued up to `before`, latest first, `limit` works per
 * transaction: a page that is not the last one schedules the next.
 */
export async function cancelPage(
  ctx: MutationCtx,
  console: Logger,
  { before, limit }: { before: number; limit: number },
): Promise<void> {
  const page: Doc<"work">[] = [];
  let bytes = 0;
  let next: Doc<"work"> | undefined;
  const works = ctx.db
    .query("work")
    .withIndex("by_creation_time", (q) => q.lte("_creationTime", before))
    .order("desc");
  for await (const work of works) {
    const isFull = page.length >= limit || bytes >= MAX_PAGE_BYTES;
    // The next page begins at a creation time, so works that share one stay together.
    if (isFull && work._creationTime !== page.at(-1)?._creationTime) {
      next = work;
      break;
    }
    page.push(work);
    bytes += getConvexSize(work as Value);
  }
  await cancelWorks(ctx, console, page);
  if (next !== undefined) {
    await scheduleNextPage(ctx, { before: next._creationTime, limit });
  }
}

async function scheduleNextPage(
  ctx: MutationCtx,
  page: { before: number; limit: number },
): Promise<void> {
  const id = await ctx.scheduler.runAfter(0, api.lib.cancelAll, page);
  // Within a scheduled function that was canceled, Convex inserts new ones
  // already canceled: then the rest would silently go on.
  const scheduled = await ctx.db.system.get("_scheduled_functions", id);
  if (scheduled?.state.kind !== "pending") {
    throw new Error(
      "No work was canceled: there is more than one page of it, and the next page could not be scheduled, because the scheduled function that calls cancelAll was canceled.",
    );
  }
}

async function cancelWorks(
  ctx: MutationCtx,
  console: Logger,
  works: readonly Doc<"work">[],
): Promise<void> {
  const waiting = await removeFromEntries(ctx, works);
  for (const work of works) {
    if (waiting.has(work._id)) {
      await endWork(ctx, console, work, { kind: "canceled" });
    } else if (!work.canceled) {
      await ctx.db.patch("work", work._id, { canceled: true });
    }
  }
  if (waiting.size > 0) {
    await wakeForChange(ctx);
  }
}
