/**
 * What a tick looks at. Read twice at most: first in a stale snapshot, which
 * leaves no read dependencies, so that a tick with nothing to do conflicts with
 * nobody; and again with dependencies by a tick about to park, for which it must
 * be certain that there is nothing else to do.
 */
import { v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import {
  internalQuery,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server.js";
import { nextOwedCallback } from "../work/callback.js";
import { nextOwedNotice } from "../work/notice.js";
import { effectiveConfig, type EffectiveConfig } from "../queue/configRow.js";
import { nextStartBy } from "../queue/expiring.js";
import { snapshotTs } from "../platform.js";
import { couldDrive } from "./drive.js";
import {
  executorViews,
  livingExecutors,
  readExecutors,
  type StatsView,
  statsView,
} from "./executorViews.js";
import { freeSlots, roomAhead, unleased } from "./lease.js";
import { readLimit } from "./limits.js";
import { type TickArgs, vTick } from "./caller.js";
import {
  Arrivals,
  Bound,
  type EntryView,
  entryView,
  ownEntries,
  START,
} from "./scan.js";
import { concerns, isAnothers, isOfNow } from "./wanted.js";

/** Entries one tick moves at most; of single works, so many rows are read and deleted. */
export const MAX_ENTRIES = 256;
/** Arrivals of later entries one tick takes note of at most. */
export const MAX_ARRIVALS = 256;
/** Entries of isolated and of long works one tick starts at most. */
export const MAX_APART = { isolated: 8, long: 32 };
/** Kinds of entries that need executors of their own. */
type Apart = "isolated" | "long";

export type View = {
  /** When it was looked. */
  now: number;
  /**
   * The transaction that looks would read the same: what it writes, it need not read
   * before. A write is a dependency of its own.
   */
  isCurrent: boolean;
  status: Doc<"runStatus"> | null;
  state: Doc<"loopState"> | null;
  config: EffectiveConfig;
  /** How many handlers may be in flight: as the settings say, or as the class has room for (`classRoom.ts`). */
  limit: number;
  executors: Doc<"executor">[];
  stats: StatsView[];
  /** Ready entries in commit order, as many as there is room for and one more. */
  ready: EntryView[];
  /** Later entries that are due, by due time. */
  due: EntryView[];
  isolated: EntryView[];
  long: EntryView[];
  /** Later entries not taken note of yet, in commit order. */
  arrivals: EntryView[];
  /** Due time of the earliest entry that is not due yet. */
  nextDueAt: number | null;
  /** When the watchdog should look after owed callbacks. */
  owedAt: number | null;
  /** In a paused pool, when the first of the works has to begin that wait. Null: it is not paused, or none has to. */
  startBy: number | null;
  /** There may be more entries than were read. */
  truncated: boolean;
};

type Limits = { entries: number; arrivals: number };

/** What the calling transaction has read already, or knows better than what is stored. */
export type Known = Partial<Pick<View, "status" | "state" | "config">> & {
  /** Of the executor that reports, with what its report has changed. */
  own?: StatsView;
  /**
   * That executor would drive a loop that runs, and so many slots at most: the queue is of
   * interest only if it could.
   */
  driving?: number;
};

/** The loop's own row, and the ends of the queue. */
type Ends = { state: View["state"]; ready: Arrivals; later: Arrivals };

/** Of a queue that was not looked at. */
const UNSEEN = {
  ready: [],
  due: [],
  isolated: [],
  long: [],
  arrivals: [],
  nextDueAt: null,
  owedAt: null,
  startBy: null,
  truncated: true,
};

async function endsOf(ctx: QueryCtx, known: Known): Promise<Ends> {
  const state = known.state ?? (await ctx.db.query("loopState").first());
  return {
    state,
    ready: new Arrivals(ctx, "ready", state?.ready ?? START),
    later: new Arrivals(ctx, "later", state?.later ?? START),
  };
}

async function statusOf(ctx: QueryCtx, known: Known): Promise<View["status"]> {
  return known.status ?? (await ctx.db.query("runStatus").first());
}

/** @param known - Of a turn that has moved the cursors and not written them yet, its state. */
export async function look(
  ctx: QueryCtx,
  now: number,
  limits: Limits,
  known: Known = {},
): Promise<View> {
  const status = await statusOf(ctx, known);
  const ends = await endsOf(ctx, known);
  return await lookFrom(ctx, now, limits, status, ends, known);
}

async function lookFrom(
  ctx: QueryCtx,
  now: number,
  limits: Limits,
  status: View["status"],
  { state, ...queue }: Ends,
  { own, driving, ...known }: Known,
): Promise<View> {
  const executors = await readExecutors(ctx);
  const stats: StatsView[] = [];
  for (const { _id } of livingExecutors({ executors })) {
    if (_id === own?.executorId) {
      stats.push(own);
      continue;
    }
    const row = await ctx.db
      .query("executorStats")
      .withIndex("by_executor", (q) => q.eq("executorId", _id))
      .unique();
    if (row) stats.push(statsView(row));
  }
  const config = known.config ?? (await effectiveConfig(ctx));
  const limit = await readLimit(ctx, config.maxParallelism);
  const seen = {
    now,
    isCurrent: true,
    status,
    state,
    config,
    limit,
    executors,
    stats,
  };
  if (
    own !== undefined &&
    driving !== undefined &&
    !couldDrive(seen, own.executorId, { driving })
  ) {
    return { ...seen, ...UNSEEN };
  }
  const arrivals = await new Bound(limits.arrivals).take(queue.later);
  const dueFrom = Math.min(
    state?.scanFrom.later ?? 0,
    ...arrivals.map(({ dueAt }) => dueAt),
  );
  const byDue = (kind: "later" | Apart, from: number) => ({
    due: ctx.db
      .query("pendingStart")
      .withIndex("by_due", (q) =>
        q.eq("kind", kind).gte("dueAt", from).lte("dueAt", now),
      ),
    next: ctx.db
      .query("pendingStart")
      .withIndex("by_due", (q) => q.eq("kind", kind).gt("dueAt", now)),
  });
  const later = byDue("later", dueFrom);
  const isolated = byDue("isolated", state?.scanFrom.isolated ?? 0);
  const long = byDue("long", state?.scanFrom.long ?? 0);
  const next = [
    await later.next.first(),
    await isolated.next.first(),
    await long.next.first(),
  ];
  const nextDueTimes = next.flatMap((entry) => (entry ? [entry.dueAt] : []));
  // One work more than there is room for tells that something waits.
  const room = roomFor(limit, seen) + 1;
  const readyBound = new Bound(limits.entries, room);
  const ready = await readyBound.take(queue.ready);
  const dueBound = new Bound(limits.entries, room);
  const due = await dueBound.take(later.due);
  return {
    ...seen,
    ready: ready.map(entryView),
    due: due.map(entryView),
    truncated: readyBound.isMet || dueBound.isMet,
    isolated: (await isolated.due.take(MAX_APART.isolated)).map(entryView),
    long: (await long.due.take(MAX_APART.long)).map(entryView),
    arrivals: arrivals.map(entryView),
    nextDueAt: nextDueTimes.length > 0 ? Math.min(...nextDueTimes) : null,
    owedAt: await nextOwed(ctx, now, state?.scanFrom.callbacks),
    startBy:
      config.maxParallelism === 0
        ? await nextStartBy(ctx, now, state?.scanFrom.startBy)
        : null,
  };
}

/** When the watchdog should look after the earliest callback or notice. Null: nothing is owed. */
async function nextOwed(
  ctx: QueryCtx,
  now: number,
  cursor: number | undefined,
): Promise<number | null> {
  const callbackAt = await nextOwedCallback(ctx, now, cursor);
  const noticeAt = await nextOwedNotice(ctx, now, cursor);
  return noticeAt === null || callbackAt === null
    ? (noticeAt ?? callbackAt)
    : Math.min(noticeAt, callbackAt);
}

/** How many works could be handed over now. */
function roomFor(
  limit: number,
  seen: Pick<View, "now" | "executors" | "stats" | "state">,
): number {
  const executors = executorViews(seen);
  return executors.reduce(
    (sum, each) => sum + freeSlots(each) + roomAhead(each),
    Math.max(0, unleased(limit, executors)),
  );
}

/** Null: the tick is not wanted. */
type Seen = {
  view: View | null;
  /** Of the snapshot that was read. Null: the platform does not tell. */
  snapshotTs: bigint | null;
};

export const view = internalQuery({
  args: {
    now: v.number(),
    tick: v.optional(vTick),
    known: v.any(),
  },
  handler: async (ctx, { now, tick, known }): Promise<Seen> => ({
    view: await lookAtAll(ctx, now, tick, known as Known),
    snapshotTs: snapshotTs(ctx),
  }),
});

/**
 * With what the calling transaction has put into the queue, which no snapshot shows. It
 * lies behind everything committed; so where there is more of that, it has to wait.
 */
export async function withOwnEntries(
  ctx: MutationCtx,
  view: View,
): Promise<View> {
  const isThere = view.ready.some(({ position }) => position === null);
  if (view.truncated || isThere) return view;
  const own = await ownEntries(ctx, new Bound(MAX_ENTRIES));
  return { ...view, ready: [...view.ready, ...own] };
}

/** As much as one turn can make use of. A tick looks first at what tells whether it is wanted. */
async function lookAtAll(
  ctx: QueryCtx,
  now: number,
  tick: TickArgs | undefined,
  known: Known,
): Promise<View | null> {
  const limits = { entries: MAX_ENTRIES, arrivals: MAX_ARRIVALS };
  const status = await statusOf(ctx, known);
  if (tick && !isOfNow(tick, status)) return null;
  const ends = await endsOf(ctx, known);
  if (tick && !concerns(tick, status, ends.state, now)) return null;
  if (tick && (await isAnothers(ctx, tick, status, ends, now))) return null;
  return await lookFrom(ctx, now, limits, status, ends, known);
}

/** See {@link lookAside}. Null: the tick is not wanted. */
export async function lookForTick(
  ctx: MutationCtx,
  now: number,
  tick: TickArgs,
): Promise<View | null> {
  return await lookAside(ctx, now, tick, {});
}

/** See {@link lookAside}. */
export async function lookStale(
  ctx: MutationCtx,
  now: number,
  known: Known,
): Promise<View> {
  return (await lookAside(ctx, now, undefined, known))!;
}

/**
 * A look without read dependencies. A platform may choose an older snapshot than
 * the transaction's own; one that lacks the very work this tick was scheduled
 * for would let it sleep through, so then it looks with dependencies.
 */
async function lookAside(
  ctx: MutationCtx,
  now: number,
  tick: TickArgs | undefined,
  known: Known,
): Promise<View | null> {
  const { view: seen, snapshotTs: seenTs }: Seen = await ctx.runQuery(
    internal.loop.look.view,
    { now, ...(tick ? { tick } : {}), known },
    { useStaleSnapshot: true },
  );
  const begin = snapshotTs(ctx);
  // Where nobody tells, no platform is known that chooses an older one.
  const isOurs = begin === null || seenTs === null || seenTs >= begin;
  if (!isOurs) return await lookAtAll(ctx, now, tick, known);
  return seen && { ...seen, isCurrent: begin !== null && seenTs === begin };
}
