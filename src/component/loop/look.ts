/**
 * What a tick looks at. Read twice at most: first in a stale snapshot, which
 * leaves no read dependencies, so that a tick with nothing to do conflicts with
 * nobody; and again with dependencies by a tick about to park, for which it must
 * be certain that there is nothing else to do.
 */
import { v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import {
  internalQuery,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server.js";
import { nextOwedCallback } from "../work/callback.js";
import { effectiveConfig, type EffectiveConfig } from "../queue/configRow.js";
import { openWorks } from "./positions.js";
import { snapshotTs } from "../platform.js";
import { MINUTE, SECOND } from "../shared.js";
import { NAMELESS } from "../queue/wake.js";
import { type ExecutorView, freeSlots, roomAhead, unleased } from "./lease.js";

/** Entries one tick moves at most; of single works, so many rows are read and deleted. */
export const MAX_ENTRIES = 256;
/** Arrivals of later entries one tick takes note of at most. */
export const MAX_ARRIVALS = 256;
/** Entries of isolated and of long works one tick starts at most. */
const MAX_ISOLATED = 8;
const MAX_LONG = 32;
/**
 * An entry may commit this long after its due time was taken from the clock: a
 * transaction lives for seconds, and clocks are set. Whatever is due before a time
 * at which nothing older waited, less this, was seen.
 */
const LATE_COMMIT_MS = 2 * MINUTE;
/** Far above the executors a pool may have. */
const MAX_EXECUTOR_ROWS = 64;

/** Kinds of entries that need executors of their own. */
type Apart = "isolated" | "long";

export type Position = Doc<"loopState">["ready"];

export type EntryView = {
  id: Id<"pendingStart">;
  kind: Doc<"pendingStart">["kind"];
  /** Null: the reading transaction wrote it itself. It will lie behind everything committed. */
  position: Position | null;
  dueAt: number;
  works: number;
};

export type StatsView = Omit<
  Doc<"executorStats">,
  "_id" | "_creationTime" | "open" | "seq"
> & {
  /** How many works were delivered and have not ended. */
  held: number;
};

export function statsView(
  stats: Omit<Doc<"executorStats">, "_id" | "_creationTime">,
): StatsView {
  const {
    _id: _,
    _creationTime: __,
    open: ___,
    seq: ____,
    ...counters
  } = stats as Doc<"executorStats">;
  return { ...counters, held: openWorks(stats) };
}

/** Of the living, and of those that have left and whose rows are still there. */
export async function readExecutors(ctx: QueryCtx): Promise<Doc<"executor">[]> {
  return await ctx.db.query("executor").take(MAX_EXECUTOR_ROWS);
}

/** Executors that have not made their last report. */
export function livingExecutors(
  view: Pick<View, "executors">,
): Doc<"executor">[] {
  return view.executors.filter(({ state }) => state.kind !== "done");
}

export type View = {
  /** When it was looked. */
  now: number;
  /** Of the snapshot that was read. Null: the platform does not tell. */
  snapshotTs: bigint | null;
  status: Doc<"runStatus"> | null;
  state: Doc<"loopState"> | null;
  config: EffectiveConfig;
  executors: Doc<"executor">[];
  stats: StatsView[];
  /** Ready entries in commit order, as many as there is room for and one more. */
  ready: EntryView[];
  /**
   * The oldest ready entry has a tick of its own that has not run yet, and this tick
   * one that is younger.
   */
  oldestHasOlderTick: boolean;
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
  /** There may be more entries than were read. */
  truncated: boolean;
};

export const START: Position = { commitTs: 0n, creationTime: 0 };

/** Who looks. */
export type Looking = {
  /** The tick's. */
  token?: string;
  /** How many works ended in the report that looks: what is stored does not say so yet. */
  freed?: number;
};

export async function look(
  ctx: QueryCtx,
  now: number,
  limits: { entries: number; arrivals: number },
  /** For a tick that has moved the cursors and not written them yet. */
  currentState?: Doc<"loopState">,
  { token, freed = 0 }: Looking = {},
): Promise<View> {
  const status = await ctx.db.query("runStatus").first();
  const state = currentState ?? (await ctx.db.query("loopState").first());
  const executors = await readExecutors(ctx);
  const stats: StatsView[] = [];
  for (const { _id } of livingExecutors({ executors })) {
    const row = await ctx.db
      .query("executorStats")
      .withIndex("by_executor", (q) => q.eq("executorId", _id))
      .unique();
    if (row) stats.push(statsView(row));
  }
  const arrivals = await afterPosition(
    ctx,
    "later",
    state?.later ?? START,
    new Bound(limits.arrivals),
  );
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
  const config = await effectiveConfig(ctx);
  // One work more than there is room for tells that something waits.
  const room =
    roomFor(config.maxParallelism, { now, executors, stats, state }) +
    freed +
    1;
  const readyBound = new Bound(limits.entries, room);
  const ready = await afterPosition(
    ctx,
    "ready",
    state?.ready ?? START,
    readyBound,
  );
  const dueBound = new Bound(limits.entries, room);
  const due = await dueBound.take(later.due);
  return {
    now,
    snapshotTs: snapshotTs(ctx),
    status,
    state,
    config,
    executors,
    stats,
    ready: ready.map(entryView),
    oldestHasOlderTick: await hasOlderTick(ctx, ready[0], token),
    due: due.map(entryView),
    truncated: readyBound.isMet || dueBound.isMet,
    isolated: (await isolated.due.take(MAX_ISOLATED)).map(entryView),
    long: (await long.due.take(MAX_LONG)).map(entryView),
    arrivals: arrivals.map(entryView),
    nextDueAt: nextDueTimes.length > 0 ? Math.min(...nextDueTimes) : null,
    owedAt: await nextOwedCallback(ctx, now, state?.scanFrom.callbacks),
  };
}

/** From where the next look has to scan: behind that are only tombstones. */
export function scanFrom(entries: readonly EntryView[], now: number): number {
  return Math.min(entries[0]?.dueAt ?? now, now) - LATE_COMMIT_MS;
}

/** One that was born closing, and has run for longer than this, has works that take long. */
const DRAINS_AFTER_MS = 5 * SECOND;

/** How many works could be handed over now. */
function roomFor(
  maxParallelism: number,
  seen: Pick<View, "now" | "executors" | "stats" | "state">,
): number {
  const executors = executorViews(seen);
  return executors.reduce(
    (sum, each) => sum + freeSlots(each) + roomAhead(each),
    Math.max(0, unleased(maxParallelism, executors)),
  );
}

/** Whether there is an entry behind `position`; with dependencies. */
export async function anythingAfter(
  ctx: QueryCtx,
  kind: "ready" | "later",
  position: Position,
): Promise<boolean> {
  return (await afterPosition(ctx, kind, position, new Bound(1))).length > 0;
}

/** Entries in commit order. All entries of one mutation share a timestamp: among them creation time tells. */
async function afterPosition(
  ctx: QueryCtx,
  kind: "ready" | "later",
  { commitTs, creationTime }: Position,
  bound: Bound,
): Promise<Doc<"pendingStart">[]> {
  const siblings = ctx.db
    .query("pendingStart")
    .withIndex("by_arrival", (q) =>
      q
        .eq("kind", kind)
        .eq("commitTs", commitTs)
        .gt("_creationTime", creationTime),
    );
  const others = ctx.db
    .query("pendingStart")
    .withIndex("by_arrival", (q) =>
      q.eq("kind", kind).gt("commitTs", commitTs),
    );
  return [...(await bound.take(siblings)), ...(await bound.take(others))];
}

/** How much is read: no more entries than this, and none once they have so many works. */
class Bound {
  constructor(
    private entries: number,
    private works = Infinity,
  ) {}

  get isMet(): boolean {
    return this.entries <= 0 || this.works <= 0;
  }

  async take(
    source: AsyncIterable<Doc<"pendingStart">>,
  ): Promise<Doc<"pendingStart">[]> {
    const taken: Doc<"pendingStart">[] = [];
    if (this.isMet) return taken;
    for await (const entry of source) {
      taken.push(entry);
      this.entries -= 1;
      this.works -= entry.works.length;
      if (this.isMet) break;
    }
    return taken;
  }
}

export function entryView(entry: Doc<"pendingStart">): EntryView {
  const { commitTs, _creationTime: creationTime } = entry;
  return {
    id: entry._id,
    kind: entry.kind,
    // Until the commit, the timestamp is a placeholder: no number, and no place for a cursor.
    position: typeof commitTs === "bigint" ? { commitTs, creationTime } : null,
    dueAt: entry.dueAt,
    works: entry.works.length,
  };
}

/** Milliseconds since the epoch; later than everything for what is not committed yet. */
export function committedAt({ position }: EntryView): number {
  return position ? Number(position.commitTs / 1_000_000n) : Infinity;
}

/**
 * Never true for the tick of an entry that is gone: others may have left to it
 * in older snapshots, in which theirs were the younger ones.
 */
async function hasOlderTick(
  ctx: QueryCtx,
  oldest: Doc<"pendingStart"> | undefined,
  token: string | undefined,
): Promise<boolean> {
  if (!oldest?.wakeUp || !token || oldest.wakeUp.token === token) return false;
  if (token !== NAMELESS) {
    const own = await ctx.db
      .query("pendingStart")
      .withIndex("by_wake_up", (q) =>
        q.eq("kind", "ready").eq("wakeUp.token", token),
      )
      .first();
    if (own === null) return false;
  }
  const { scheduledId } = oldest.wakeUp;
  const tick = await ctx.db.system.get("_scheduled_functions", scheduledId);
  return tick?.state.kind === "pending" || tick?.state.kind === "inProgress";
}

/** What the loop knows of its living executors. Statistics may be a little old: then it thinks that more is in flight. */
export function executorViews(
  view: Pick<View, "now" | "executors" | "stats" | "state">,
): ExecutorView[] {
  return livingExecutors(view).map((executor) => {
    const { _id, width, epoch, first, startedAt } = executor;
    const closing = executor.state.kind === "closing";
    const long = executor.role === "long";
    const stats = view.stats.find(({ executorId }) => executorId === _id);
    const assigned = view.state?.assigned.find(
      ({ executorId }) => executorId === _id,
    );
    const delivered = stats?.cursor ?? first.length;
    const held = stats?.held ?? first.length;
    const undelivered = (assigned?.next ?? 0) - delivered;
    const inFlight = held + undelivered;
    // Once no more is in flight than the lease allows, an older, wider one is over.
    const isOver = !closing && inFlight <= width;
    return {
      id: _id,
      width,
      epoch,
      closing,
      drains: closing && view.now - startedAt > DRAINS_AFTER_MS,
      inFlight,
      undelivered,
      peak: isOver ? width : (assigned?.peak ?? width),
      worksPerSlot: stats?.worksPerSlot ?? 1,
      asleep:
        view.state?.turnBy !== _id &&
        (stats ? stats.worksPerSlot === 0 : !long && first.length >= width),
      long,
    };
  });
}

/** With statistics that the reading transaction has changed and not written, or that came after a snapshot. */
export function withStats(view: View, stats: StatsView): View {
  const others = view.stats.filter(
    ({ executorId }) => executorId !== stats.executorId,
  );
  return { ...view, stats: [...others, stats] };
}

export const view = internalQuery({
  args: {
    now: v.number(),
    token: v.optional(v.string()),
    freed: v.optional(v.number()),
  },
  handler: async (ctx, { now, ...looking }): Promise<View> =>
    await lookAtAll(ctx, now, looking),
});

/** As much as one tick can make use of. */
function lookAtAll(
  ctx: QueryCtx,
  now: number,
  looking: Looking,
): Promise<View> {
  const limits = { entries: MAX_ENTRIES, arrivals: MAX_ARRIVALS };
  return look(ctx, now, limits, undefined, looking);
}

/**
 * A look without read dependencies. A platform may choose an older snapshot than
 * the transaction's own; one that lacks the very work this tick was scheduled
 * for would let it sleep through, so then it looks with dependencies.
 *
 * @param freed - Slots that the calling transaction may have freed.
 */
export async function lookStale(
  ctx: MutationCtx,
  now: number,
  looking: Looking = {},
): Promise<View> {
  const stale: View = await ctx.runQuery(
    internal.loop.look.view,
    { now, ...looking },
    { useStaleSnapshot: true },
  );
  const begin = snapshotTs(ctx);
  // Where nobody tells, no platform is known that chooses an older one.
  const isOurs =
    begin === null || stale.snapshotTs === null || stale.snapshotTs >= begin;
  if (isOurs) return stale;
  return await lookAtAll(ctx, now, looking);
}
