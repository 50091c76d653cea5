/**
 * One turn of the loop, whoever does it: a tick, or an executor's report.
 *
 *     look → shrink → admit and place → carry out → transition
 *
 * The first look is the caller's, in a stale snapshot (`look.ts`). Lost executors are
 * not a turn's to recover: the watchdog's `recover` does that (`watch.ts`).
 */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { owedCursor } from "../work/callback.js";
import { effectiveConfig } from "../queue/configRow.js";
import { createLogger, recordIncident } from "../logging.js";
import { sweepExpired } from "../work/retention.js";
import { SECOND } from "../shared.js";
import { getOrCreateRunStatus } from "../queue/wake.js";
import { type Caller, isLink, type Outcome } from "./caller.js";
import { isLight, MAX_POLL_MS, MIN_WAKE_UPS, worksOf } from "./drive.js";
import { limitInEffect } from "./classRoom.js";
import {
  adjustLeases,
  type TakenBack,
  takeBackBudget,
  takeBackFromSleepers,
} from "./executors.js";
import type { Caps } from "./lease.js";
import { MAX_APART, MAX_ARRIVALS, type View } from "./look.js";
import { executorViews, livingExecutors } from "./executorViews.js";
import { scanFrom } from "./scan.js";
import type { Plan } from "./plan.js";
import { Starter } from "./start.js";
import { getOrCreateState } from "./state.js";
import { reportIfDue } from "./stats.js";
import { transition } from "./transition.js";
import {
  type Done,
  isCrowded,
  isKicked,
  leavesWaiting,
  place,
  type Turn,
} from "./turning.js";
import { isDead, overdue } from "./watchdog.js";

/** Something else has to come first: the loop goes on at once. */
const NOTHING_YET: Omit<Done, "requeued"> = {
  moved: 0,
  leftOver: false,
  waits: false,
  boundMet: true,
  tooMuchForDriver: true,
};

/** @returns who does the next turn, and what the loop parked as. Null: the turn was not wanted any more. */
export async function doTurn(
  ctx: MutationCtx,
  now: number,
  caps: Caps,
  caller: Caller,
  stale: View,
): Promise<Outcome | null> {
  const turn = await lookForWriting(ctx, now, caps, caller, stale);
  if (!isStillWanted(turn)) return null;
  const tookOver = takeOverIfDead(turn);
  const { state } = turn;
  if (caller.kind === "driver") state.turnBy = caller.executorId;
  const done = isLastOfDriver(turn) ? null : await startWhatMay(turn);
  const parkedAs = await transition(turn, done, tookOver);
  await reportIfDue(ctx, turn.console, now, turn.view, state);
  state.lastTurnAt = now;
  const { _id, _creationTime: _, ...fields } = state;
  await ctx.db.replace("loopState", _id, fields);
  return {
    turnBy: state.turnBy,
    nextAt: state.nextTickAt,
    parkedAs,
    status: turn.status,
    ...ofCaller(turn),
  };
}

/**
 * From here on with dependencies: the settings, the state that others go by, and what
 * this turn writes. Whom it hands something over to is read by `start.ts`.
 */
async function lookForWriting(
  ctx: MutationCtx,
  now: number,
  caps: Caps,
  caller: Caller,
  stale: View,
): Promise<Turn> {
  const { isCurrent } = stale;
  // A report has read these two with dependencies, after whatever might change them.
  const isTick = caller.kind === "tick";
  const config = isTick ? await effectiveConfig(ctx) : stale.config;
  const status =
    (isTick ? null : stale.status) ?? (await getOrCreateRunStatus(ctx));
  const state =
    (isCurrent ? stale.state : null) ?? (await getOrCreateState(ctx, now));
  const executors: Doc<"executor">[] = [];
  for (const { executorId } of state.assigned) {
    const row = isCurrent
      ? stale.executors.find(({ _id }) => _id === executorId)
      : await ctx.db.get("executor", executorId);
    if (row) executors.push(asItLeaves(caller, row));
  }
  const { room } = caps;
  const limit = limitInEffect(config.maxParallelism, room);
  const view = { ...stale, config, limit, room, executors, state, status };
  const console = createLogger(config.logLevel);
  return {
    ctx,
    console,
    now,
    caps,
    caller,
    view,
    state,
    drivenBy: state.turnBy,
    status,
    handedOver: [],
  };
}

/** What its report need not read after the turn. */
function ofCaller({
  caller,
  view,
  state,
  handedOver,
}: Turn): Pick<Outcome, "width" | "undelivered"> {
  if (caller.kind === "tick") return { width: null, undelivered: null };
  const { executorId, stats } = caller;
  const executor = view.executors.find(({ _id }) => _id === executorId);
  const assigned = state.assigned.find(
    (each) => each.executorId === executorId,
  );
  const from = handedOver[0]?.first ?? assigned?.next;
  return {
    width: executor?.width ?? null,
    undelivered: from === stats.cursor ? handedOver : null,
  };
}

/** One that asks to leave in the report that does the turn is handed nothing more. */
function asItLeaves(
  caller: Caller,
  executor: Doc<"executor">,
): Doc<"executor"> {
  return caller.kind === "report" &&
    caller.leaving &&
    caller.executorId === executor._id
    ? { ...executor, state: { kind: "closing" } }
    : executor;
}

function isStillWanted({ caller, state, status }: Turn): boolean {
  switch (caller.kind) {
    case "driver":
      return (
        status.state.kind === "running" &&
        (state.turnBy === undefined || state.turnBy === caller.executorId)
      );
    case "report":
      return status.state.kind === "saturated" && state.turnBy === undefined;
    case "tick":
      return status.generation === caller.generation && isLink(caller, state);
  }
}

/** A loop that gave no sign of life, or whose chain or driver is lost, goes on under a new generation. */
function takeOverIfDead(turn: Turn): boolean {
  const { caller, state, status, now, view, console } = turn;
  if (caller.kind !== "tick") return false;
  const kicked = isKicked(caller);
  const dead =
    kicked ||
    overdue(status, now) ||
    (caller.takeover === true && isDead(status, state, view.executors, now));
  if (!dead) return false;
  const { kind } = status.state;
  const why = kicked ? "The loop was kicked" : "The loop gave no sign of life";
  recordIncident(
    console,
    "warn",
    "takeover",
    `${why} in state ${kind}: another takes over from generation ${status.generation}`,
    { state: kind, kicked },
  );
  state.lastTakeoverAt = now;
  status.generation += 1n;
  delete status.takeoverId;
  // As if idle: whatever there is to do is decided anew.
  status.state = { kind: "idle" };
  delete state.turnBy;
  return true;
}

/** A driver that leaves, or whose lease changes, makes room for a chain. New leases are given by a tick. */
function isLastOfDriver({ caller, view }: Turn): boolean {
  return (
    caller.kind === "driver" &&
    (caller.leaving ||
      livingExecutors(view).some(({ epoch }) => epoch !== view.config.epoch))
  );
}

async function startWhatMay(turn: Turn): Promise<Done> {
  const { ctx, now, state, view, caller } = turn;
  const back = await shrink(turn);
  moveCursors(turn);
  countTurn(state, now);
  const started = back.unfinished ? NOTHING_YET : await start(turn);
  // Somebody who asks for it has all of it looked through.
  const { scanFrom } = state;
  const swept = isKicked(caller) ? undefined : scanFrom.outcomes;
  scanFrom.outcomes = await sweepExpired(ctx, swept);
  scanFrom.callbacks = owedCursor(view.owedAt, now);
  return { ...started, requeued: back.works };
}

/** Leases are given, and what was handed over in vain is taken back, by ticks alone. */
async function shrink({
  ctx,
  console,
  view,
  state,
  caller,
}: Turn): Promise<TakenBack> {
  if (caller.kind !== "tick") return { works: 0, unfinished: false };
  const budget = takeBackBudget(ctx);
  const leases = await adjustLeases(ctx, console, view, state, budget);
  const asleep = await takeBackFromSleepers(ctx, console, view, budget);
  return {
    works: leases.works + asleep.works,
    unfinished: leases.unfinished || asleep.unfinished,
  };
}

/** The next look begins where this one found the first that it leaves. */
function moveCursors({ view, state, now }: Turn): void {
  // Later entries are seen in commit order, too: one that commits late may be
  // due before what was scanned.
  for (const { position } of view.arrivals) {
    state.later = position ?? state.later;
  }
  state.scanFrom.later = Math.min(
    view.due[0]?.dueAt ?? now,
    ...view.arrivals.map(({ dueAt }) => dueAt),
  );
  for (const kind of ["isolated", "long"] as const) {
    if (state.scanFrom[kind] === undefined && view[kind].length === 0) continue;
    state.scanFrom[kind] = scanFrom(view[kind], now);
  }
}

function countTurn(state: Turn["state"], now: number): void {
  if (now - state.recentTurns.since >= SECOND) {
    state.recentTurns = { since: now, count: 1 };
  } else {
    state.recentTurns.count += 1;
  }
}

async function start(turn: Turn): Promise<Omit<Done, "requeued">> {
  const { view, state, status } = turn;
  const made = place(turn, view);
  const boundMet =
    view.arrivals.length >= MAX_ARRIVALS ||
    (view.truncated && !made.leftOver) ||
    moreApart(view, made);
  const more = made.leftOver || boundMet;
  const driverToBe = !more && callsForDriver(turn, made);
  // Where a chain follows, or work waits, there is more to come for an
  // executor. Where not, one that counted as open would have to ask for it.
  const staysParked =
    status.state.kind !== "running" && !more && !isCrowded(turn);
  const { moved, executors } = await new Starter(
    turn,
    staysParked && !driverToBe,
    driverToBe ? MAX_POLL_MS : null,
  ).carryOut(made);
  if (driverToBe) state.turnBy = executors[0]!;
  return {
    moved,
    leftOver: made.leftOver,
    waits: leavesWaiting(view, made),
    boundMet,
    tooMuchForDriver: more || (!driverToBe && executors.length > 0),
  };
}

/** Of long or isolated entries as many were read as may be, and all of them found a place. */
function moreApart(view: View, made: Plan): boolean {
  const placed = new Set(made.pieces.map(({ entryId }) => entryId));
  return (["long", "isolated"] as const).some(
    (kind) =>
      view[kind].length >= MAX_APART[kind] &&
      view[kind].every(({ id }) => placed.has(id)),
  );
}

/** Wake-ups come often, and one executor is enough for them: the one about to start. */
function callsForDriver(
  { caller, status, state, view, caps }: Turn,
  made: Plan,
): boolean {
  const executors = executorViews(view);
  const [newcomer, ...others] = made.newExecutors;
  return (
    caller.kind === "tick" &&
    !isKicked(caller) &&
    status.state.kind !== "running" &&
    state.recentTurns.count >= MIN_WAKE_UPS &&
    newcomer !== undefined &&
    others.length === 0 &&
    !newcomer.isolated &&
    !newcomer.long &&
    executors.every(({ closing }) => closing) &&
    isLight(worksOf(executors), caps) &&
    isLight(
      made.pieces.reduce((sum, { works }) => sum + works, 0),
      caps,
    )
  );
}
