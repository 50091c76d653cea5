/**
 * The main loop: a chain of scheduled mutations, at most one of them alive. One
 * tick looks, starts what may start, and decides what follows. `decide.ts` has
 * the states, `docs/architecture.md` the failure each rule answers.
 *
 * A tick is one of
 * - a wake-up or a link of the chain: it exits unless its generation is the
 *   stored one, having read nothing but a stale snapshot;
 * - a takeover: somebody found the loop dead, and this starts a new generation;
 * - the guard: it comes at least every {@link GUARD_MS} while anything could go
 *   wrong unseen, looks after lost executors, owed callbacks and the chain itself.
 */
import { v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "../_generated/server.js";
import { sweepOverdueCallbacks } from "../callback.js";
import { effectiveConfig } from "../config.js";
import { NOTHING } from "../executor/results.js";
import { createLogger, type Logger } from "../logging.js";
import { sweepExpired } from "../retention.js";
import { MINUTE, SECOND } from "../shared.js";
import {
  decide,
  type Decision,
  type LoopStateKind,
  MAX_FRUITLESS_TICKS_PER_MINUTE,
  MAX_PARKED_TICKS,
  parkedState,
  RUNAWAY_DELAY_MS,
} from "./decide.js";
import { adjustLeases, removeGoneExecutors } from "./executors.js";
import { maxExecutors } from "./lease.js";
import {
  anythingAfter,
  type EntryView,
  executorViews,
  livingExecutors,
  look,
  lookStale,
  MAX_ARRIVALS,
  START,
  type View,
} from "./look.js";
import { merge, plan, type Plan, type WaitingEntry } from "./plan.js";
import { recoverLostExecutors } from "./recovery.js";
import { reportIfDue } from "./stats.js";
import { Starter } from "./start.js";

/** A lost executor or a lost tick is noticed after this at the latest. */
export const GUARD_MS = 12 * SECOND;
/** The guard comes this long after the due time that a parked loop waits for. */
const GUARD_GRACE_MS = 15 * SECOND;
/** Without a sign of life for this long, whoever notices takes the loop over. */
const VALID_MS = 30 * SECOND;
/** A chain this long overdue is not coming back. */
const CHAIN_LOST_MS = 5 * SECOND;

export const tick = internalMutation({
  args: {
    generation: v.int64(),
    takeover: v.optional(v.boolean()),
    /** Says which entries this tick was scheduled for: they carry the same. */
    token: v.optional(v.string()),
    /** The guard: when it was due. */
    guardAt: v.optional(v.number()),
  },
  returns: v.null(),
  handler: async (ctx, args) => {
    const now = Date.now();
    const stale = await lookStale(ctx, now);
    if (!concerns(stale, args, now) || isAnothers(stale, args, now)) {
      return null;
    }
    const cap = await executorCap(ctx);
    if (args.guardAt === undefined && nothingToDo(stale, cap, now)) return null;
    await new Tick(ctx, now, cap, args).run(stale);
    return null;
  },
});

type TickArgs = {
  generation: bigint;
  takeover?: boolean;
  token?: string;
  guardAt?: number;
};

/** Is this tick still wanted? */
function concerns(view: View, args: TickArgs, now: number): boolean {
  if (args.guardAt !== undefined) return view.state?.guardAt === args.guardAt;
  if ((view.status?.generation ?? 0n) !== args.generation) return false;
  return !args.takeover || overdue(view.status, now);
}

/**
 * Many who enqueue into a parked pool at once schedule a tick each. The one of
 * the oldest entry starts everything; the others leave before they would conflict
 * with it. What that one does not see yet conflicts with it instead
 * ({@link Tick.nothingBehind}). Should it have been canceled, or be held up, the
 * others do not count on it.
 */
function isAnothers(view: View, args: TickArgs, now: number): boolean {
  const kind = view.status?.state.kind ?? "idle";
  if (!args.token || kind === "running" || kind === "saturated") return false;
  const [oldest] = view.ready;
  return (
    oldest !== undefined &&
    oldest.token !== args.token &&
    view.oldestHasTick &&
    now - committedAt(oldest) < CHAIN_LOST_MS
  );
}

/** Milliseconds since the epoch. */
function committedAt({ position }: EntryView): number {
  return Number(position.commitTs / 1_000_000n);
}

function overdue(status: Doc<"runStatus"> | null, now: number): boolean {
  return (
    status !== null && status.validUntil !== null && status.validUntil < now
  );
}

/** For wake-ups that came second: another tick has done everything. */
function nothingToDo(view: View, cap: number, now: number): boolean {
  const { state, status, config } = view;
  if (!state || !status || status.state.kind === "running") return false;
  if (overdue(status, now)) return false;
  const made = planFor(view, cap);
  const parked = parkedState(made.leftOver, view.nextDueAt);
  return (
    view.arrivals.length === 0 &&
    made.pieces.length === 0 &&
    parked.kind === status.state.kind &&
    (parked.kind !== "scheduled" ||
      status.state.kind !== "scheduled" ||
      parked.at === status.state.at) &&
    livingExecutors(view).every(({ epoch }) => epoch === config.epoch) &&
    !guardMissing(
      state,
      wantedGuard(status.state, view.executors.length > 0, view.owedAt, now),
      now,
    )
  );
}

function planFor(view: View, cap: number): Plan {
  return plan(
    view.config.maxParallelism,
    cap,
    executorViews(view),
    merge(view.ready.map(waitingEntry), view.due.map(waitingEntry)),
    view.isolated.map(waitingEntry),
  );
}

async function executorCap(ctx: MutationCtx): Promise<number> {
  const { class: deploymentClass } = await ctx.meta.getDeploymentMetadata();
  return maxExecutors(deploymentClass);
}

/** When a guard should come, given what could go wrong unseen. Null: nothing can. */
function wantedGuard(
  state: LoopStateKind,
  hasExecutors: boolean,
  owedAt: number | null,
  now: number,
): number | null {
  const times: number[] = [];
  if (hasExecutors || state.kind === "running") times.push(now + GUARD_MS);
  if (state.kind === "scheduled") times.push(state.at + GUARD_GRACE_MS);
  if (owedAt !== null) times.push(Math.max(owedAt, now + GUARD_MS));
  return times.length > 0 ? Math.min(...times) : null;
}

/** No guard, one that did not come, or one that comes too late. */
function guardMissing(
  state: Doc<"loopState">,
  wanted: number | null,
  now: number,
): boolean {
  if (wanted === null) return false;
  return (
    state.guardAt === null ||
    state.guardAt < now - CHAIN_LOST_MS ||
    state.guardAt > wanted + SECOND
  );
}

class Tick {
  private view!: View;
  private state!: Doc<"loopState">;
  private status!: Doc<"runStatus">;
  private console!: Logger;
  /** Works put back into the queue by this tick. */
  private requeued = 0;
  private guardAgainAtOnce = false;

  constructor(
    private readonly ctx: MutationCtx,
    private readonly now: number,
    private readonly cap: number,
    private readonly args: TickArgs,
  ) {}

  async run(stale: View): Promise<void> {
    const { ctx, now } = this;
    await this.readForWriting(stale);
    if (this.args.guardAt !== undefined) this.state.guardAt = null;
    else if (this.status.generation !== this.args.generation) return;
    const tookOver = this.takeOverIfDead();

    if (this.args.guardAt !== undefined) await this.guard();
    this.requeued += await adjustLeases(ctx, this.view, this.state);
    this.noteArrivals();
    this.countParkedTick();
    const { moved, leftOver } = await this.start();
    await sweepExpired(ctx);

    const decision = decide({
      state: this.status.state,
      moved: moved + this.requeued,
      more: this.requeued > 0 || this.boundsMet(leftOver),
      waiting: leftOver,
      nextDueAt: this.view.nextDueAt,
      now,
      dueSince: this.state.nextTickAt,
      lastWorkAt: this.state.lastWorkAt,
      frequent: this.isFrequent(),
    });
    if (moved + this.requeued > 0) this.state.lastWorkAt = now;

    const next = await this.makeCertain(decision, moved);
    // A chain that is alive goes on by itself: its guard must not add another.
    const chained =
      this.args.guardAt !== undefined && this.status.state.kind === "running";
    if (next.kind === "run") {
      if (!chained) await this.keepRunning(next.delayMs, moved > 0, tookOver);
    } else if (next.kind === "park") {
      await this.park(next.as);
    } else if (tookOver) {
      await this.writeStatus(this.status.state);
    }
    await this.armGuard();
    const { _id, _creationTime: _, ...fields } = this.state;
    await ctx.db.replace("loopState", _id, fields);
  }

  /** From here on with dependencies: what this tick writes, and who may close. */
  private async readForWriting(stale: View): Promise<void> {
    const { ctx } = this;
    const config = await effectiveConfig(ctx);
    this.console = createLogger(config.logLevel);
    this.state = await getOrCreateState(ctx, this.now);
    this.status = await getOrCreateStatus(ctx);
    const executors: Doc<"executor">[] = [];
    for (const { executorId } of this.state.assigned) {
      const row = await ctx.db.get("executor", executorId);
      if (row) executors.push(row);
    }
    this.view = {
      ...stale,
      config,
      executors,
      state: this.state,
      status: this.status,
    };
  }

  /** A loop that gave no sign of life, or whose chain broke, goes on under a new generation. */
  private takeOverIfDead(): boolean {
    const { status, state, now } = this;
    const chainLost =
      this.args.guardAt !== undefined &&
      ((status.state.kind === "running" &&
        state.nextTickAt < now - CHAIN_LOST_MS) ||
        (status.state.kind === "scheduled" &&
          status.state.at < now - CHAIN_LOST_MS));
    if (!overdue(status, now) && !chainLost) return false;
    this.console.warn(
      `[loop] no sign of life in state ${status.state.kind}: a new chain takes over from generation ${status.generation}`,
    );
    status.generation += 1n;
    // As if idle: whatever there is to do is decided anew below.
    status.state = { kind: "idle" };
    return true;
  }

  private async guard(): Promise<void> {
    const { ctx, now, view, state } = this;
    const recovered = await recoverLostExecutors(
      ctx,
      this.console,
      now,
      view,
      state,
    );
    this.requeued += recovered.requeued;
    this.guardAgainAtOnce = recovered.unfinished;
    await removeGoneExecutors(ctx, view, state);
    await sweepOverdueCallbacks(ctx, this.console);
    await reportIfDue(ctx, this.console, now, view, state);
    const { kind } = this.status.state;
    if (kind === "running" || kind === "saturated") {
      await this.writeStatus(this.status.state);
    }
  }

  /** Later entries seen in commit order: one that committed late may be due before what was scanned. */
  private noteArrivals(): void {
    const { arrivals } = this.view;
    const last = arrivals.at(-1);
    if (!last) return;
    this.state.later = last.position;
    this.state.dueFrom = Math.min(
      this.state.dueFrom,
      ...arrivals.map(({ dueAt }) => dueAt),
    );
  }

  private async start(): Promise<{ moved: number; leftOver: boolean }> {
    const { view, state } = this;
    const made = planFor(view, this.cap);
    // Where a chain follows, or work waits, there is more to come for an
    // executor. Where not, one that counted as open would have to ask for it.
    const staysParked =
      this.status.state.kind !== "running" &&
      !made.leftOver &&
      !this.boundsMet(made.leftOver) &&
      !this.isFrequent();
    const moved = await new Starter(
      this.ctx,
      this.console,
      this.now,
      view,
      state,
      staysParked,
    ).carryOut(made);
    return { moved, leftOver: made.leftOver };
  }

  private boundsMet(leftOver: boolean): boolean {
    const { truncated, arrivals } = this.view;
    return arrivals.length >= MAX_ARRIVALS || (truncated && !leftOver);
  }

  private countParkedTick(): void {
    const { parkedTicks } = this.state;
    if (this.now - parkedTicks.since >= SECOND) {
      this.state.parkedTicks = { since: this.now, count: 1 };
    } else {
      parkedTicks.count += 1;
    }
  }

  /** Parked ticks so close to each other that a chain is cheaper, and conflicts less. */
  private isFrequent(): boolean {
    const { ready } = this.view;
    const crowded =
      ready.length > 1 &&
      ready[0]!.position.commitTs !== ready.at(-1)!.position.commitTs;
    return crowded || this.state.parkedTicks.count > MAX_PARKED_TICKS;
  }

  private async makeCertain(
    decision: Decision,
    moved: number,
  ): Promise<Decision> {
    if (decision.kind === "park") return await this.confirmPark();
    const { kind } = this.status.state;
    const startsForOthers =
      decision.kind === "stay" && moved > 0 && kind !== "saturated";
    return startsForOthers && !(await this.nothingBehind())
      ? { kind: "run", delayMs: 0 }
      : decision;
  }

  /**
   * Reads the ends of the queue with dependencies: whoever adds to it at the same
   * time conflicts. Later work too: its wake-up also counts on this tick.
   */
  private async nothingBehind(): Promise<boolean> {
    const { ready, later } = this.state;
    return (
      !(await anythingAfter(this.ctx, "ready", ready)) &&
      !(await anythingAfter(this.ctx, "later", later))
    );
  }

  /**
   * Before parking, everything that is about to be ignored is read with
   * dependencies: whoever adds work or frees room at the same time conflicts
   * with this tick, so one of the two sees the other.
   */
  private async confirmPark(): Promise<Decision> {
    const fresh = await look(
      this.ctx,
      this.now,
      { entries: 1, arrivals: 1 },
      this.state,
    );
    const made = planFor(fresh, this.cap);
    if (fresh.arrivals.length > 0 || made.pieces.length > 0) {
      return { kind: "run", delayMs: 0 };
    }
    return {
      kind: "park",
      as: parkedState(made.leftOver, fresh.nextDueAt),
    };
  }

  private async keepRunning(
    delayMs: number,
    progress: boolean,
    tookOver: boolean,
  ): Promise<void> {
    const { ctx, now, state, status } = this;
    if (progress || now - state.reschedules.since >= MINUTE) {
      state.reschedules = { since: now, count: 0 };
    }
    state.reschedules.count += 1;
    let delay = delayMs;
    if (state.reschedules.count > MAX_FRUITLESS_TICKS_PER_MINUTE) {
      delay = Math.max(delay, RUNAWAY_DELAY_MS);
      this.console.error(
        `[loop] runaway: ${state.reschedules.count} ticks without progress since ${new Date(state.reschedules.since).toISOString()}; slowing down`,
      );
    }
    if (status.state.kind !== "running") {
      if (!tookOver) status.generation += 1n;
      await this.writeStatus({ kind: "running" });
    }
    state.nextTickAt = now + delay;
    await ctx.scheduler.runAfter(delay, internal.loop.tick.tick, {
      generation: status.generation,
    });
  }

  private async park(as: LoopStateKind): Promise<void> {
    this.status.generation += 1n;
    await this.writeStatus(as);
    if (as.kind === "scheduled") {
      this.state.nextTickAt = as.at;
      // The clock of functions shows whole milliseconds: at a fraction of one,
      // this tick would find that it is too early.
      await this.ctx.scheduler.runAt(
        Math.ceil(as.at),
        internal.loop.tick.tick,
        { generation: this.status.generation },
      );
    }
  }

  private async writeStatus(state: LoopStateKind): Promise<void> {
    const { ctx, status, now } = this;
    status.state = state;
    status.validUntil = validUntil(state, this.hasExecutors(), now);
    const { _id, _creationTime: _, ...fields } = status;
    await ctx.db.replace("runStatus", _id, fields);
  }

  private hasExecutors(): boolean {
    return this.state.assigned.length > 0;
  }

  private async armGuard(): Promise<void> {
    const { ctx, state, now } = this;
    const wanted = this.guardAgainAtOnce
      ? now
      : wantedGuard(
          this.status.state,
          this.hasExecutors(),
          this.view.owedAt,
          now,
        );
    if (wanted === null || !guardMissing(state, wanted, now)) return;
    state.guardAt = wanted;
    await ctx.scheduler.runAt(wanted, internal.loop.tick.tick, {
      generation: this.status.generation,
      guardAt: wanted,
    });
  }
}

function validUntil(
  state: LoopStateKind,
  hasExecutors: boolean,
  now: number,
): number | null {
  switch (state.kind) {
    case "idle":
      return null;
    case "running":
      return now + VALID_MS;
    case "scheduled":
      return state.at + VALID_MS;
    case "saturated":
      // Paused, nothing in flight: only a change of settings can wake it.
      return hasExecutors ? now + VALID_MS : null;
  }
}

function waitingEntry(entry: View["ready"][number]): WaitingEntry {
  return {
    id: entry.id,
    kind: entry.kind,
    waitingSince: entry.kind === "ready" ? committedAt(entry) : entry.dueAt,
    works: entry.works,
  };
}

async function getOrCreateStatus(ctx: MutationCtx): Promise<Doc<"runStatus">> {
  const row = await ctx.db.query("runStatus").first();
  if (row) return row;
  const id = await ctx.db.insert("runStatus", {
    state: { kind: "idle" },
    generation: 0n,
    validUntil: null,
  });
  return (await ctx.db.get("runStatus", id))!;
}

async function getOrCreateState(
  ctx: MutationCtx,
  now: number,
): Promise<Doc<"loopState">> {
  const row = await ctx.db.query("loopState").first();
  if (row) return row;
  const id: Id<"loopState"> = await ctx.db.insert("loopState", {
    ready: START,
    later: START,
    dueFrom: 0,
    assigned: [],
    nextTickAt: now,
    lastWorkAt: 0,
    parkedTicks: { since: now, count: 0 },
    guardAt: null,
    reschedules: { since: now, count: 0 },
    totals: NOTHING,
    lastReportAt: now,
  });
  return (await ctx.db.get("loopState", id))!;
}
