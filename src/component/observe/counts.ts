/**
 * How many works are in which state, and of which function. Bounded: it looks at a page of
 * each, and says "at least" where a page is full. Entries of the queue tell of up to 32 works each.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { livingExecutors, readExecutors } from "../loop/executorViews.js";
import { openWorks } from "../loop/positions.js";
import { START } from "../loop/scan.js";
import { isExpired } from "../work/kept.js";
import { runningAt } from "./claims.js";
import type { WorkCounts } from "./workList.js";

/** Rows of each kind. */
const PAGE = 100;

type Count = { count: number; isAtLeast: boolean };

export async function workCounts(ctx: QueryCtx): Promise<WorkCounts> {
  const now = Date.now();
  const failed = await ended(ctx, "failed", now);
  const { claimed, running } = await withWorkers(ctx);
  return {
    states: [
      { state: "scheduled", ...(await queued(ctx, "later than", now)) },
      { state: "waiting", ...(await queued(ctx, "due by", now)) },
      { state: "claimed", ...claimed },
      { state: "running", ...running },
      { state: "success", ...countOf(await ended(ctx, "success", now)) },
      { state: "failed", ...countOf(failed) },
      { state: "canceled", ...countOf(await ended(ctx, "canceled", now)) },
    ],
    callbacks: [
      { state: "owed", ...(await callbacks(ctx, "owed")) },
      { state: "failed", ...(await callbacks(ctx, "failed")) },
    ],
    functions: byFunction(await unfinished(ctx), failed),
  };
}

/**
 * Works that wait to be tried again count as scheduled, and so do those that are suspended: only their own rows tell them apart.
 * What was consumed has left tombstones: the scans begin where those of the loop do.
 */
async function queued(
  ctx: QueryCtx,
  when: "later than" | "due by",
  now: number,
): Promise<Count> {
  const state = await ctx.db.query("loopState").first();
  const { commitTs } = state?.ready ?? START;
  const ready = ctx.db
    .query("pendingStart")
    .withIndex("by_arrival", (q) =>
      q.eq("kind", "ready").gte("commitTs", commitTs),
    );
  const pages = when === "due by" ? [await ready.take(PAGE)] : [];
  for (const kind of ["later", "isolated", "long"] as const) {
    const from = state?.scanFrom[kind] ?? 0;
    const entries = ctx.db
      .query("pendingStart")
      .withIndex("by_due", (q) =>
        when === "due by"
          ? q.eq("kind", kind).gte("dueAt", from).lte("dueAt", now)
          : q.eq("kind", kind).gt("dueAt", now),
      );
    pages.push(await entries.take(PAGE));
  }
  const works = pages.flat().map((entry) => entry.works.length);
  return {
    count: works.reduce((sum, each) => sum + each, 0),
    isAtLeast: pages.some(({ length }) => length === PAGE),
  };
}

async function withWorkers(
  ctx: QueryCtx,
): Promise<{ claimed: Count; running: Count }> {
  let running = 0;
  let claimed = 0;
  let isAtLeast = false;
  for (const executor of livingExecutors({
    executors: await readExecutors(ctx),
  })) {
    const at = await runningAt(ctx, executor);
    const { stats } = at;
    const begun = openWorks({ open: at.running });
    const undelivered = await ctx.db
      .query("running")
      .withIndex("by_executor", (q) =>
        q.eq("executorId", executor._id).gte("first", stats.cursor),
      )
      .take(PAGE);
    running += begun;
    claimed +=
      openWorks(stats) -
      (stats.over?.length ?? 0) -
      begun +
      undelivered.reduce((sum, { works }) => sum + works.length, 0);
    isAtLeast ||= undelivered.length === PAGE;
  }
  return {
    claimed: { count: claimed, isAtLeast },
    running: { count: running, isAtLeast: false },
  };
}

type Page = { fnNames: string[]; isFull: boolean };

async function ended(
  ctx: QueryCtx,
  kind: "success" | "failed" | "canceled",
  now: number,
): Promise<Page> {
  const rows: Doc<"complete">[] = await ctx.db
    .query("complete")
    .withIndex("by_kind", (q) => q.eq("result.kind", kind))
    .order("desc")
    .take(PAGE);
  const kept = rows.filter((row) => !isExpired(row, now));
  return {
    fnNames: kept.map(({ fnName }) => fnName),
    isFull: rows.length === PAGE,
  };
}

async function unfinished(ctx: QueryCtx): Promise<Page> {
  const works = await ctx.db
    .query("work")
    .withIndex("by_end", (q) => q.eq("endedAt", undefined))
    .order("desc")
    .take(PAGE);
  return {
    fnNames: works.map(({ fnName }) => fnName),
    isFull: works.length === PAGE,
  };
}

async function callbacks(
  ctx: QueryCtx,
  state: "owed" | "failed",
): Promise<Count> {
  const rows = await ctx.db
    .query("complete")
    .withIndex("by_callback_state", (q) => q.eq("callback.state", state))
    .take(PAGE);
  return { count: rows.length, isAtLeast: rows.length === PAGE };
}

function countOf({ fnNames, isFull }: Page): Count {
  return { count: fnNames.length, isAtLeast: isFull };
}

/** Those with the most first. */
function byFunction(unfinished: Page, failed: Page): WorkCounts["functions"] {
  const names = [...new Set([...unfinished.fnNames, ...failed.fnNames])];
  const of = ({ fnNames, isFull }: Page, name: string): Count => ({
    count: fnNames.filter((each) => each === name).length,
    isAtLeast: isFull,
  });
  return names
    .map((fnName) => ({
      fnName,
      unfinished: of(unfinished, fnName),
      failed: of(failed, fnName),
    }))
    .sort(
      (a, b) =>
        b.unfinished.count +
        b.failed.count -
        (a.unfinished.count + a.failed.count),
    );
}
