/**
 * The end of a turn: the only place that writes the loop's state and its generation,
 * and that schedules what comes next. What is decided is in `decide.ts` and
 * `watchdog.ts`; here it is made certain, and carried out.
 *
 * | from                     | to                | who causes it                          | what it costs                  |
 * | ------------------------ | ----------------- | -------------------------------------- | ------------------------------ |
 * | any                      | the same          | a turn that finds nothing to change    | `loopState`                    |
 * | idle, scheduled, saturated | running         | a turn that leaves more to do, or whose like come often | `runStatus`, a generation, a tick |
 * | running                  | running           | its tick, or its driver's report       | a tick; of a driver none       |
 * | running                  | idle, scheduled, saturated | a tick or driver that found nothing for a while, after a second look | `runStatus`, a generation; scheduled: a tick |
 * | idle, scheduled, saturated | another of these | a turn, after a second look           | the same                       |
 * | any                      | idle, and on      | a takeover, before anything else       | a generation                   |
 */
import { internal } from "../_generated/api.js";
import { recordRunaway } from "../logging.js";
import { MINUTE } from "../shared.js";
import {
  COOL_DOWN_MS,
  decide,
  type Decision,
  type LoopStateKind,
  MANY_BUFFERED,
  MAX_FRUITLESS_TICKS_PER_MINUTE,
  parkedState,
  RUNAWAY_DELAY_MS,
  BUFFERING_COOL_DOWN_MS,
} from "./decide.js";
import { DRIVEN_COOL_DOWN_MS, MAX_POLL_MS, nextPollMs } from "./drive.js";
import { look } from "./look.js";
import { executorViews } from "./executorViews.js";
import { anythingAfter } from "./scan.js";
import { needingRecovery } from "./losses.js";
import { lookForFrozen } from "./frozen.js";
import { lookForLate, scheduleWatch } from "./state.js";
import {
  type Done,
  isCrowded,
  isKicked,
  knownTo,
  leavesWaiting,
  place,
  type Turn,
} from "./turning.js";
import {
  mayPutOff,
  needsRenewal,
  validUntil,
  wantedWatch,
  watchMissing,
} from "./watchdog.js";

/**
 * @param done - Null: a driver's last turn, which hands on.
 * @returns what the loop parked as. Null: it did not.
 */
export async function transition(
  turn: Turn,
  done: Done | null,
  tookOver: boolean,
): Promise<LoopStateKind | null> {
  const { state, status, now } = turn;
  const { decision, waits } = await nextOf(turn, done, tookOver);
  if (decision.kind === "park") await park(turn, decision.as, waits);
  if (decision.kind === "run") {
    if (done === null || done.tooMuchForDriver) delete state.turnBy;
    const moved = done?.moved ?? 0;
    await keepRunning(turn, decision.delayMs, moved, waits, tookOver);
  }
  // Only now is it known which executors there are.
  const dangers = { hasExecutors: hasExecutors(turn), waits };
  if (needsRenewal(status, dangers, now, false)) {
    await writeStatus(turn, status.state, waits);
  }
  await armWatch(turn, waits);
  return decision.kind === "park" ? decision.as : null;
}

type Next = { decision: Decision; waits: boolean };

async function nextOf(
  turn: Turn,
  done: Done | null,
  tookOver: boolean,
): Promise<Next> {
  if (done === null) {
    return { decision: { kind: "run", delayMs: 0 }, waits: false };
  }
  const { state, status, view, now } = turn;
  const { moved, requeued, leftOver, boundMet, waits } = done;
  const decision = decide({
    state: status.state,
    moved: moved + requeued,
    more: requeued > 0 || boundMet,
    waiting: leftOver,
    nextDueAt: view.nextDueAt,
    now,
    dueSince: state.nextTickAt,
    lastWorkAt: state.lastWorkAt,
    frequent:
      state.turnBy !== undefined ||
      isCrowded(turn) ||
      (leftOver && endsAreFrequent(turn)),
    coolDownMs: coolDownOf(turn),
  });
  if (moved + requeued > 0) state.lastWorkAt = now;
  // Whoever saw the state that was taken over has woken nobody.
  const parks =
    decision.kind === "park" || (tookOver && decision.kind === "stay");
  if (parks) return await confirmPark(turn);
  const startsForOthers =
    decision.kind === "stay" && moved > 0 && status.state.kind !== "saturated";
  return startsForOthers && !(await nothingBehind(turn))
    ? { decision: { kind: "run", delayMs: 0 }, waits }
    : { decision, waits };
}

/** The works of the executor that refills are short: such refills would meet each other. */
function endsAreFrequent({ caller }: Turn): boolean {
  return caller.kind === "report" && caller.stats.worksPerSlot > 1;
}

/**
 * Reports read the state that parking writes, and while executors have many more works
 * than slots the next ones come soon, full of results that would be recorded twice:
 * the loop waits until most have ended, but not for long.
 */
function coolDownOf({ state, view }: Turn): number {
  if (state.turnBy !== undefined) return DRIVEN_COOL_DOWN_MS;
  const buffered = executorViews(view).reduce(
    (sum, { inFlight, width }) => sum + Math.max(0, inFlight - width),
    0,
  );
  return buffered >= MANY_BUFFERED ? BUFFERING_COOL_DOWN_MS : COOL_DOWN_MS;
}

/**
 * Reads the ends of the queue with dependencies: whoever adds to it at the same
 * time conflicts. Later work too: its wake-up also counts on this tick.
 */
async function nothingBehind({ ctx, state }: Turn): Promise<boolean> {
  return (
    !(await anythingAfter(ctx, "ready", state.ready)) &&
    !(await anythingAfter(ctx, "later", state.later))
  );
}

/**
 * Before parking, everything that is about to be ignored is read with
 * dependencies: whoever adds work or frees room at the same time conflicts
 * with this turn, so one of the two sees the other.
 */
async function confirmPark(turn: Turn): Promise<Next> {
  const { ctx, now } = turn;
  const limits = { entries: 1, arrivals: 1 };
  const fresh = await look(ctx, now, limits, knownTo(turn));
  const made = place(turn, fresh);
  const waits = leavesWaiting(fresh, made);
  if (fresh.arrivals.length > 0 || made.pieces.length > 0) {
    return { decision: { kind: "run", delayMs: 0 }, waits };
  }
  const as = parkedState(made.leftOver, fresh.nextDueAt);
  return { decision: { kind: "park", as }, waits };
}

async function keepRunning(
  turn: Turn,
  delayMs: number,
  moved: number,
  waits: boolean,
  tookOver: boolean,
): Promise<void> {
  const { ctx, now, state, status, console } = turn;
  if (moved > 0 || now - state.reschedules.since >= MINUTE) {
    state.reschedules = { since: now, count: 0 };
  }
  state.reschedules.count += 1;
  let delay = delayMs;
  if (state.reschedules.count > MAX_FRUITLESS_TICKS_PER_MINUTE) {
    delay = Math.max(delay, RUNAWAY_DELAY_MS);
    recordRunaway(console, state.reschedules);
  }
  if (status.state.kind !== "running") {
    if (!tookOver) status.generation += 1n;
    await writeStatus(turn, { kind: "running" }, waits);
  }
  if (state.turnBy) {
    state.nextTickAt = now + pollAfter(turn, moved);
    return;
  }
  state.nextTickAt = now + delay;
  await ctx.scheduler.runAfter(delay, internal.loop.tick.tick, {
    generation: status.generation,
    dueAt: state.nextTickAt,
  });
}

/** How long the executor that does the turns waits for its next one; it begins slowly. */
function pollAfter({ state, drivenBy, now }: Turn, moved: number): number {
  if (drivenBy !== state.turnBy) return MAX_POLL_MS;
  const { lastTurnAt, nextTickAt } = state;
  return nextPollMs(nextTickAt - lastTurnAt, now - lastTurnAt, moved);
}

async function park(
  turn: Turn,
  as: LoopStateKind,
  waits: boolean,
): Promise<void> {
  const { ctx, state, status } = turn;
  status.generation += 1n;
  delete state.turnBy;
  await writeStatus(turn, as, waits);
  if (as.kind === "scheduled") {
    state.nextTickAt = as.at;
    // The clock of functions shows whole milliseconds: at a fraction of one,
    // this tick would find that it is too early.
    await ctx.scheduler.runAt(Math.ceil(as.at), internal.loop.tick.tick, {
      generation: status.generation,
    });
  }
}

async function writeStatus(
  turn: Turn,
  state: LoopStateKind,
  waits: boolean,
): Promise<void> {
  const { ctx, status, now } = turn;
  status.state = state;
  status.validUntil = validUntil(
    { state, hasExecutors: hasExecutors(turn), waits },
    now,
  );
  const { _id, _creationTime: _, ...fields } = status;
  await ctx.db.replace("runStatus", _id, fields);
}

function hasExecutors({ state }: Turn): boolean {
  return state.assigned.length > 0;
}

/** Sees to it that the watchdog comes, or puts it off where this turn has seen what it would. */
async function armWatch(turn: Turn, waits: boolean): Promise<void> {
  const { ctx, state, now, status, view, caller } = turn;
  const dangers = {
    state: status.state,
    hasExecutors: hasExecutors(turn),
    waits,
    owedAt: view.owedAt,
    startBy: view.startBy,
    recovers: false,
  };
  const wanted = isKicked(caller) ? now : wantedWatch(dangers, now);
  if (wanted === null) return;
  const { watch } = state;
  if (watch === null || watchMissing(state, wanted, now)) {
    await scheduleWatch(ctx, state, wanted);
  } else if (
    mayPutOff(watch, wanted, dangers.owedAt, now) &&
    (await needingRecovery(ctx, view, now)).length === 0 &&
    (await lookForLate(ctx, state, view, now)) === null &&
    (await lookForFrozen(ctx, state, now)) === null
  ) {
    await ctx.scheduler.cancel(watch.scheduledId);
    await scheduleWatch(ctx, state, wanted);
    if (needsRenewal(status, dangers, now, true)) {
      await writeStatus(turn, status.state, waits);
    }
  }
}
