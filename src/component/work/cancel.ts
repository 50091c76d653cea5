/**
 * Cancelation: what waits ends here; what runs may finish, but is not retried.
 *
 * All works are canceled in pages, each in a transaction of its own that
 * schedules the next. What a page schedules is undone when the page fails, and
 * nobody would go on: so a page must not be able to fail. It runs no code of
 * users, and it ends where its budget does, whatever its works carry.
 */
import type { IndexRange } from "convex/server";
import { getConvexSize, type Infer, v, type Value } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "../_generated/server.js";
import { TransactionBudget } from "../budget.js";
import { effectiveConfig } from "../queue/configRow.js";
import { EntryRemoval } from "../queue/entries.js";
import { createLogger, type Logger } from "../logging.js";
import { endWork } from "./outcome.js";
import { MAX_VALUE_BYTES } from "../shared.js";
import { wakeForChange } from "../queue/wake.js";
import { matches } from "./filter.js";
import { outcomeOf } from "./kept.js";
import { liveWork } from "./live.js";

/** Works per page, unless the caller says otherwise: few enough to rarely meet a report that ends one of them. */
export const DEFAULT_CANCEL_LIMIT = 100;

/** Read and written by one page. The first one shares the transaction of whoever calls `cancelAll`. */
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

/** What a cancel has done. */
export const vCancelAnswer = v.union(
  /** It has ended as canceled. */
  v.literal("canceled"),
  /** A worker has it: it may finish, but is not retried. */
  v.literal("signaled"),
  /** It had ended before. */
  v.literal("ended"),
  /** There never was such a work, or it has ended and its outcome is not kept. */
  v.literal("unknown"),
);
export type CancelAnswer = Infer<typeof vCancelAnswer>;

/**
 * Any string will do for `id`.
 *
 * @param abandons - Whether what a worker has ends here, too. Its late result changes
 *   nothing, and its slot stays taken until the handler ends.
 */
export async function cancelOne(
  ctx: MutationCtx,
  console: Logger,
  id: string,
  abandons = false,
): Promise<CancelAnswer> {
  const workId = ctx.db.normalizeId("work", id);
  const work = workId && (await liveWork(ctx, workId));
  if (!work) {
    console.debug(`[cancel] there is no work ${id}, or it has ended`);
    const outcome = workId && (await outcomeOf(ctx, workId));
    return outcome ? "ended" : "unknown";
  }
  const canceler = new Canceler(ctx, console, abandons);
  const answer = await canceler.cancel(work);
  await canceler.finish();
  return answer;
}

/** Which works a page cancels, and how many at most. */
type CancelPage = {
  from: Position;
  limit: number;
  /** Those of this function alone. */
  fnName?: string | undefined;
  tag?: string | undefined;
  /** Those that were enqueued after this time. */
  after?: number | undefined;
};

/** Where a page begins: with the work before `id`, or, without one, the latest created by then. */
type Position = { creationTime: number; id?: Id<"work"> };

/** Every index ends in the id, which the types of ranges leave out. */
type IdRange = { lt(field: "_id", value: Id<"work">): IndexRange };

/**
 * Cancels what was enqueued up to `from`, latest first, at most `limit` works per
 * transaction: a page that is not the last one schedules the next.
 *
 * @param isLater - Whether none is canceled in this transaction, which is to be short (`stopRetries.ts`).
 */
export async function cancelPage(
  ctx: MutationCtx,
  console: Logger,
  page: CancelPage,
  isLater = false,
): Promise<{ matched: number; isDone: boolean }> {
  const budget = new TransactionBudget(ctx, {
    works: page.limit,
    bytes: MAX_PAGE_BYTES,
  });
  const { matched, next } =
    isLater || (await budget.isUsedUp())
      ? { matched: 0, next: page.from }
      : await cancelWithin(ctx, console, budget, page);
  if (next !== null) {
    await scheduleNextPage(ctx, { ...page, from: next });
  }
  console.end();
  return { matched, isDone: next === null };
}

export const cancelNextPage = internalMutation({
  args: {
    from: v.object({
      creationTime: v.number(),
      id: v.optional(v.id("work")),
    }),
    limit: v.number(),
    fnName: v.optional(v.string()),
    tag: v.optional(v.string()),
    after: v.optional(v.number()),
  },
  returns: v.null(),
  handler: async (ctx, page): Promise<null> => {
    const { logLevel } = await effectiveConfig(ctx);
    await cancelPage(ctx, createLogger(logLevel), page);
    return null;
  },
});

/** `next`: where the next page begins. Null: there is none. */
async function cancelWithin(
  ctx: MutationCtx,
  console: Logger,
  budget: TransactionBudget,
  { from, fnName, tag, after = -Infinity }: CancelPage,
): Promise<{ matched: number; next: Position | null }> {
  const canceler = new Canceler(ctx, console);
  let matched = 0;
  let last = from;
  let isFull = false;
  for await (const work of worksUpTo(ctx, from)) {
    if (work._creationTime <= after) break;
    isFull = !(await budget.hasRoom(knownBytes(work)));
    if (isFull) break;
    last = { creationTime: work._creationTime, id: work._id };
    if (!matches({ fnName, tag }, work)) {
      budget.pass(getConvexSize(work as Value));
      continue;
    }
    budget.spend(1, mostBytes(work));
    await canceler.cancel(work);
    matched += 1;
  }
  await canceler.finish();
  return { matched, next: isFull ? last : null };
}

/** Works that were created at the same time lie in the order of their ids. */
async function* worksUpTo(
  ctx: MutationCtx,
  { creationTime, id }: Position,
): AsyncGenerator<Doc<"work">> {
  if (id === undefined) {
    yield* ctx.db
      .query("work")
      .withIndex("by_end", (q) =>
        q.eq("endedAt", undefined).lte("_creationTime", creationTime),
      )
      .order("desc");
    return;
  }
  yield* ctx.db
    .query("work")
    .withIndex("by_end", (q) => {
      const sameTime: unknown = q
        .eq("endedAt", undefined)
        .eq("_creationTime", creationTime);
      return (sameTime as IdRange).lt("_id", id);
    })
    .order("desc");
  yield* ctx.db
    .query("work")
    .withIndex("by_end", (q) =>
      q.eq("endedAt", undefined).lt("_creationTime", creationTime),
    )
    .order("desc");
}

/** What deleting it is known to read. The size of a context that is stored apart is not known. */
function knownBytes({ argsId, argsSize }: Doc<"work">): number {
  return argsId === undefined ? 0 : argsSize;
}

/** Where nothing is measured: its row is read twice, and written as what it ended as, with a callback's delivery. */
function mostBytes(work: Doc<"work">): number {
  const context = work.onComplete?.contextId ? MAX_VALUE_BYTES : 0;
  return 4 * getConvexSize(work as Value) + knownBytes(work) + context;
}

async function scheduleNextPage(
  ctx: MutationCtx,
  page: CancelPage,
): Promise<void> {
  const id = await ctx.scheduler.runAfter(
    0,
    internal.work.cancel.cancelNextPage,
    page,
  );
  // Within a scheduled function that was canceled, Convex inserts new ones
  // already canceled: then the rest would silently go on.
  const scheduled = await ctx.db.system.get("_scheduled_functions", id);
  if (scheduled?.state.kind !== "pending") {
    throw new Error(
      "No work was canceled: there is more than one page of it, and the next page could not be scheduled, because the scheduled function that calls cancelAll was canceled.",
    );
  }
}

/** Cancels works one by one; what they share is written at the end. */
class Canceler {
  readonly #ctx: MutationCtx;
  readonly #console: Logger;
  readonly #queue: EntryRemoval;
  readonly #abandons: boolean;
  #ended = 0;

  constructor(ctx: MutationCtx, console: Logger, abandons = false) {
    this.#ctx = ctx;
    this.#console = console;
    this.#queue = new EntryRemoval(ctx);
    this.#abandons = abandons;
  }

  async cancel(work: Doc<"work">): Promise<"canceled" | "signaled"> {
    const wasWaiting =
      work.follows !== undefined || (await this.#queue.take(work)) !== null;
    if (wasWaiting || this.#abandons) {
      this.#ended += 1;
      await endWork(
        this.#ctx,
        this.#console,
        work,
        { kind: "canceled" },
        wasWaiting ? {} : { reason: "abandoned" },
      );
      return "canceled";
    }
    if (!work.canceled) {
      await this.#ctx.db.patch("work", work._id, { canceled: true });
    }
    return "signaled";
  }

  async finish(): Promise<void> {
    await this.#queue.write();
    if (this.#ended > 0) {
      await wakeForChange(this.#ctx);
    }
  }
}
