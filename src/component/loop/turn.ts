/**
 * One turn of the loop: look, start what may start, decide what follows. Ticks
 * do it, and the reports of a driver (`drive.ts`).
 */
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { owedCursor } from "../callback.js";
import { effectiveConfig } from "../config.js";
import {
  createLogger,
  LineBudget,
  type Logger,
  MOST_LINES,
  recordIncident,
  recordRunaway,
  SHARED_RUN,
} from "../logging.js";
import { sweepExpired } from "../retention.js";
import { MINUTE, SECOND } from "../shared.js";
import { getOrCreateRunStatus } from "../wake.js";
import {
  COOL_DOWN_MS,
  decide,
  type Decision,
  type LoopStateKind,
  MAX_FRUITLESS_TICKS_PER_MINUTE,
  MAX_PARKED_TICKS,
  parkedState,
  RUNAWAY_DELAY_MS,
} from "./decide.js";
import {
  afterTurn,
  DRIVEN_COOL_DOWN_MS,
  isLight,
  LIGHT_WORKS,
  MIN_WAKE_UPS,
  newDriver,
  pollMs,
} from "./drive.js";
import { type Caller, isLink, type Outcome, type TickArgs } from "./caller.js";
import {
  adjustLeases,
  type TakenBack,
  takeBackBudget,
  takeBackFromSleepers,
} from "./executors.js";
import type { Caps } from "./lease.js";
import {
  anythingAfter,
  executorViews,
  livingExecutors,
  look,
  MAX_ARRIVALS,
  scanFrom,
  type View,
  withStats,
} from "./look.js";
import type { Plan } from "./plan.js";
import { planFor } from "./planView.js";
import { getOrCreateState, scheduleWatch } from "./state.js";
import { reportIfDue } from "./stats.js";
import { needingRecovery } from "./losses.js";
import { Starter } from "./start.js";
import {
  isDead,
  mayPutOff,
  needsRenewal,
  overdue,
  validUntil,
  wantedWatch,
  watchMissing,
} from "./watchdog.js";

/** What a turn found and handed over. */
type Started = {
  moved: number;
  /** Something waits that found no place. */
  leftOver: boolean;
  /** There is more to see than one turn looks at, or more to do than it does. */
  boundMet: boolean;
  /** Other executors than the driver were needed, or a bound was met. */
  tooMuchForDriver: boolean;
};

/** Something else has to come first: the loop goes on at once. */
const NOTHING_YET: Started = {
  moved: 0,
  leftOver: false,
  boundMet: true,
  tooMuchForDriver: true,
};

export class Turn {
  private view!: View;
  private state!: Doc<"loopState">;
  private status!: Doc<"runStatus">;
  private console!: Logger;
  /** Works put back into the queue by this turn. */
  private requeued = 0;
  /** Something waits for a place, in a pool that is not paused. */
  private waits = false;
  private readonly isKicked: boolean;

  constructor(
    private readonly ctx: MutationCtx,
    private readonly now: number,
    private readonly caps: Caps,
    private readonly caller: Caller,
  ) {
    const tick: Partial<TickArgs> = caller.kind === "tick" ? caller : {};
    this.isKicked = tick.kick === true;
  }

  /** @returns whether the caller drives from now on, and how the loop goes on; null: the turn was not wanted any more. */
  async run(stale: View): Promise<Outcome | null> {
    const { ctx } = this;
    await this.readForWriting(stale);
    if (!this.isStillWanted()) return null;
    const tookOver = this.beginOrTakeOver();

    const parkedAs = this.isLastOfDriver()
      ? await this.handOn()
      : await this.startAndGoOn(tookOver);
    await this.renewStatus();
    await this.armWatch();
    await reportIfDue(ctx, this.console, this.now, this.view, this.state);
    this.state.lastTurnAt = this.now;
    const { _id, _creationTime: _, ...fields } = this.state;
    await ctx.db.replace("loopState", _id, fields);
    this.console.end();
    return { driver: this.state.driver, parkedAs };
  }

  /** With what was read with dependencies. */
  private isStillWanted(): boolean {
    const { caller, state, status } = this;
    if (caller.kind === "driver") {
      const { driver } = state;
      return (
        status.state.kind === "running" &&
        (driver === null || driver.executorId === caller.executorId)
      );
    }
    if (caller.kind === "report") {
      return status.state.kind === "saturated" && state.driver === null;
    }
    return status.generation === caller.generation && isLink(caller, state);
  }

  private beginOrTakeOver(): boolean {
    const { caller, state, status, now, view } = this;
    if (caller.kind === "report") return false;
    if (caller.kind === "driver") {
      state.driver ??= newDriver(caller.executorId, now);
      return false;
    }
    const dead =
      this.isKicked ||
      overdue(status, now) ||
      (caller.takeover === true && isDead(status, state, view.executors, now));
    if (dead) this.takeOver();
    return dead;
  }

  /** A driver that leaves, or whose lease changes, makes room for a chain. New leases are given by a tick. */
  private isLastOfDriver(): boolean {
    const { caller, view } = this;
    return (
      caller.kind === "driver" &&
      (caller.leaving ||
        livingExecutors(view).some(({ epoch }) => epoch !== view.config.epoch))
    );
  }

  private async handOn(): Promise<null> {
    this.state.driver = null;
    await this.keepRunning(0, 0, false);
    return null;
  }

  private async startAndGoOn(tookOver: boolean): Promise<LoopStateKind | null> {
    const { state, view } = this;
    const back = await this.takeBack();
    this.requeued += back.works;
    this.noteScanned();
    this.countParkedTick();
    const started = back.unfinished ? NOTHING_YET : await this.start();
    // Somebody who asks for it has all of it looked through.
    const swept = this.isKicked ? undefined : state.sweptUntil;
    state.sweptUntil = await sweepExpired(this.ctx, swept);
    state.owedFrom = owedCursor(view.owedAt, this.now);
    return await this.goOn(started, tookOver);
  }

  /** Leases are given, and what was handed over in vain is taken back, by ticks alone. */
  private async takeBack(): Promise<TakenBack> {
    const { ctx, console, view, state, caller } = this;
    if (caller.kind !== "tick") return { works: 0, unfinished: false };
    const budget = takeBackBudget(ctx);
    const leases = await adjustLeases(ctx, console, view, state, budget);
    const asleep = await takeBackFromSleepers(ctx, console, view, budget);
    return {
      works: leases.works + asleep.works,
      unfinished: leases.unfinished || asleep.unfinished,
    };
  }

  private async goOn(
    { moved, leftOver, boundMet, tooMuchForDriver }: Started,
    tookOver: boolean,
  ): Promise<LoopStateKind | null> {
    const { state, now } = this;
    const decision = decide({
      state: this.status.state,
      moved: moved + this.requeued,
      more: this.requeued > 0 || boundMet,
      waiting: leftOver,
      nextDueAt: this.view.nextDueAt,
      now,
      dueSince: state.nextTickAt,
      lastWorkAt: state.lastWorkAt,
      frequent: state.driver !== null || this.isFrequent(),
      coolDownMs: state.driver === null ? COOL_DOWN_MS : DRIVEN_COOL_DOWN_MS,
    });
    if (moved + this.requeued > 0) state.lastWorkAt = now;

    const next = await this.makeCertain(decision, moved, tookOver);
    if (next.kind === "park") {
      await this.park(next.as);
      return next.as;
    }
    if (next.kind === "stay") return null;
    if (tooMuchForDriver) state.driver = null;
    await this.keepRunning(next.delayMs, moved, tookOver);
    return null;
  }

  /** From here on with dependencies: what this tick writes, and who may close. */
  private async readForWriting(stale: View): Promise<void> {
    const { ctx } = this;
    const config = await effectiveConfig(ctx);
    this.console = createLogger(
      config.logLevel,
      new LineBudget(this.caller.kind === "tick" ? MOST_LINES : SHARED_RUN),
    );
    this.state = await getOrCreateState(ctx, this.now);
    this.status = await getOrCreateRunStatus(ctx);
    const executors: Doc<"executor">[] = [];
    for (const { executorId } of this.state.assigned) {
      const row = await ctx.db.get("executor", executorId);
      if (row) executors.push(this.asItLeaves(row));
    }
    this.view = {
      ...this.withOwnStats(stale),
      config,
      executors,
      state: this.state,
      status: this.status,
    };
  }

  /** One that asks to leave in the report that does the turn is handed nothing more. */
  private asItLeaves(executor: Doc<"executor">): Doc<"executor"> {
    const { caller } = this;
    return caller.kind === "report" &&
      caller.leaving &&
      caller.executorId === executor._id
      ? { ...executor, closing: true }
      : executor;
  }

  /** What a report has changed is not in the table yet. */
  private withOwnStats(view: View): View {
    const { caller } = this;
    return caller.kind === "tick" ? view : withStats(view, caller.stats);
  }

  /** A loop that gave no sign of life, or whose chain or driver is lost, goes on under a new generation. */
  private takeOver(): void {
    const { status } = this;
    const { kind } = status.state;
    const why = this.isKicked
      ? "The loop was kicked"
      : "The loop gave no sign of life";
    recordIncident(
      this.console,
      "warn",
      "takeover",
      `${why} in state ${kind}: another takes over from generation ${status.generation}`,
      { state: kind, kicked: this.isKicked },
    );
    this.state.lastTakeoverAt = this.now;
    status.generation += 1n;
    delete status.takeoverId;
    // As if idle: whatever there is to do is decided anew below.
    status.state = { kind: "idle" };
    this.state.driver = null;
  }

  /** Once it is known which executors there are. */
  private async renewStatus(): Promise<void> {
    const { status, now, waits } = this;
    const dangers = { hasExecutors: this.hasExecutors(), waits };
    if (needsRenewal(status, dangers, now, false)) {
      await this.writeStatus(status.state);
    }
  }

  /** Moves the cursors to where the next look has to begin. */
  private noteScanned(): void {
    const { view, state, now } = this;
    // Later entries are seen in commit order, too: one that commits late may be
    // due before what was scanned.
    for (const { position } of view.arrivals) {
      state.later = position ?? state.later;
    }
    state.dueFrom = Math.min(
      view.due[0]?.dueAt ?? now,
      ...view.arrivals.map(({ dueAt }) => dueAt),
    );
    if (state.apartFrom || view.isolated.length + view.long.length > 0) {
      state.apartFrom = {
        isolated: scanFrom(view.isolated, now),
        long: scanFrom(view.long, now),
      };
    }
  }

  private plan(view: View): Plan {
    const { caller } = this;
    const reporting = caller.kind === "report" ? caller.executorId : null;
    const made = planFor(view, this.caps, this.now, reporting);
    this.waits =
      view.config.maxParallelism > 0 && (made.leftOver || made.apartWaits);
    return made;
  }

  private async start(): Promise<Started> {
    const { view, state } = this;
    const made = this.plan(view);
    const boundMet = this.boundsMet(made.leftOver);
    const more = made.leftOver || boundMet;
    const driverToBe = !more && this.callsForDriver(made);
    // Where a chain follows, or work waits, there is more to come for an
    // executor. Where not, one that counted as open would have to ask for it.
    const staysParked =
      this.status.state.kind !== "running" && !more && !this.isFrequent();
    const { moved, executors } = await new Starter(
      this.ctx,
      this.console,
      this.now,
      view,
      state,
      staysParked && !driverToBe,
      driverToBe ? pollMs({ perSecond: MIN_WAKE_UPS }) : null,
    ).carryOut(made);
    if (driverToBe) state.driver = newDriver(executors[0]!, this.now);
    return {
      moved,
      leftOver: made.leftOver,
      boundMet,
      tooMuchForDriver: more || (!driverToBe && executors.length > 0),
    };
  }

  /** Wake-ups come often, and one executor is enough for them: the one about to start. */
  private callsForDriver(made: Plan): boolean {
    const executors = executorViews(this.view);
    return (
      this.caller.kind === "tick" &&
      !this.isKicked &&
      this.status.state.kind !== "running" &&
      this.state.parkedTicks.count >= MIN_WAKE_UPS &&
      made.newExecutors.length === 1 &&
      !made.newExecutors[0]!.isolated &&
      !made.newExecutors[0]!.long &&
      executors.every(({ closing }) => closing) &&
      isLight(executors) &&
      made.pieces.reduce((sum, { works }) => sum + works, 0) <= LIGHT_WORKS
    );
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
    // Where all slots are taken many wait, and few end.
    const crowded =
      this.status.state.kind !== "saturated" &&
      ready.length > 1 &&
      ready[0]!.position?.commitTs !== ready.at(-1)!.position?.commitTs;
    return crowded || this.state.parkedTicks.count > MAX_PARKED_TICKS;
  }

  private async makeCertain(
    decision: Decision,
    moved: number,
    tookOver: boolean,
  ): Promise<Decision> {
    // Whoever saw the state that was taken over has woken nobody.
    const parks =
      decision.kind === "park" || (tookOver && decision.kind === "stay");
    if (parks) return await this.confirmPark();
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
    const fresh = this.withOwnStats(
      await look(this.ctx, this.now, { entries: 1, arrivals: 1 }, this.state),
    );
    const made = this.plan(fresh);
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
    moved: number,
    tookOver: boolean,
  ): Promise<void> {
    const { ctx, now, state, status } = this;
    if (moved > 0 || now - state.reschedules.since >= MINUTE) {
      state.reschedules = { since: now, count: 0 };
    }
    state.reschedules.count += 1;
    let delay = delayMs;
    if (state.reschedules.count > MAX_FRUITLESS_TICKS_PER_MINUTE) {
      delay = Math.max(delay, RUNAWAY_DELAY_MS);
      recordRunaway(this.console, state.reschedules);
    }
    if (status.state.kind !== "running") {
      if (!tookOver) status.generation += 1n;
      await this.writeStatus({ kind: "running" });
    }
    if (state.driver) {
      state.driver = afterTurn(state.driver, moved, now);
      state.nextTickAt = now + pollMs(state.driver);
      return;
    }
    state.nextTickAt = now + delay;
    await ctx.scheduler.runAfter(delay, internal.loop.tick.tick, {
      generation: status.generation,
      dueAt: state.nextTickAt,
    });
  }

  private async park(as: LoopStateKind): Promise<void> {
    this.status.generation += 1n;
    this.state.driver = null;
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
    const { ctx, status, now, waits } = this;
    status.state = state;
    const hasExecutors = this.hasExecutors();
    status.validUntil = validUntil({ state, hasExecutors, waits }, now);
    const { _id, _creationTime: _, ...fields } = status;
    await ctx.db.replace("runStatus", _id, fields);
  }

  private hasExecutors(): boolean {
    return this.state.assigned.length > 0;
  }

  private async armWatch(): Promise<void> {
    const { ctx, state, now, waits, status } = this;
    const dangers = {
      state: status.state,
      hasExecutors: this.hasExecutors(),
      waits,
      owedAt: this.view.owedAt,
      recovers: false,
    };
    const wanted = this.isKicked ? now : wantedWatch(dangers, now);
    if (wanted === null) return;
    if (watchMissing(state, wanted, now)) {
      await scheduleWatch(ctx, state, wanted);
    } else if (
      mayPutOff(state, wanted, dangers.owedAt, now) &&
      (await needingRecovery(ctx, this.view, now)).length === 0
    ) {
      // This turn has seen what it would: it comes if no other turn does.
      await ctx.scheduler.cancel(state.watchId!);
      await scheduleWatch(ctx, state, wanted);
      if (needsRenewal(status, dangers, now, true)) {
        await this.writeStatus(status.state);
      }
    }
  }
}
