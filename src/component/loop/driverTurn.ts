/** The turn that an executor's report does: that of a driver (`drive.ts`), or of one that freed slots of a saturated pool. */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import type { Stats } from "./positions.js";
import type { EffectiveConfig } from "../queue/configRow.js";
import { readRunStatus } from "../queue/wake.js";
import { couldDrive, isOpen } from "./drive.js";
import type { Caller, Outcome } from "./caller.js";
import type { Caps } from "./lease.js";
import { lookStale, type View, withOwnEntries } from "./look.js";
import { livingExecutors, type StatsView, statsView } from "./executorViews.js";
import { planFor } from "./planView.js";
import { doTurn } from "./turn.js";
import type { HandOver } from "./turning.js";

/** What a report's executor has to do with the loop's turns. */
export type Driving =
  /** It drives, and should report again after so many milliseconds. */
  | { kind: "drives"; pollMs: number }
  /** It did the turn that its freed slots called for. */
  | { kind: "refilled" }
  /** Another one does: this one need not listen. */
  | { kind: "another" }
  /** Nothing is left to do, and nobody need listen. */
  | { kind: "parked" }
  | { kind: "none" };

/** What became of the loop in a report. */
export type Turned = {
  driving: Driving;
  /** As it is now, if it was read. */
  status: Doc<"runStatus"> | null;
  /** Of the executor's lease; null: as it was. */
  width: number | null;
  /** All that it was handed and has not been given. Null: nobody knows. */
  undelivered: HandOver[] | null;
};

export const NO_TURN: Turned = {
  driving: { kind: "none" },
  status: null,
  width: null,
  undelivered: null,
};

export type Reporting = {
  /** It takes no more work: then somebody else goes on. */
  leaving: boolean;
  /** It drives, or has little enough to begin to. */
  mayDrive: boolean;
  /** How many works ended here. */
  freed: number;
  config: EffectiveConfig;
  /** A callback ran: it may have canceled what waits. */
  ranUserCode: boolean;
};

/**
 * Does the loop's turn if this executor drives, or may begin to; and where work waits
 * for slots, if it has freed some.
 *
 * @param stats with what the report has changed.
 */
export async function turnInReport(
  ctx: MutationCtx,
  executor: Doc<"executor">,
  stats: Stats,
  caps: Caps,
  reporting: Reporting,
): Promise<Turned> {
  const { mayDrive, freed, config, ranUserCode } = reporting;
  const own = statsView(stats);
  const status = await readRunStatus(ctx);
  const state = status?.state.kind;
  const mayTurn =
    (state === "running" && mayDrive) || (state === "saturated" && freed > 0);
  const none = { ...NO_TURN, status };
  if (!mayTurn) return none;
  const stale = await lookStale(ctx, Date.now(), {
    status,
    config,
    own,
    ...(state === "running" ? { driving: caps.driving } : {}),
  });
  const all = freed > 0 ? await withOwnEntries(ctx, stale) : stale;
  const seen = { ...all, isCurrent: all.isCurrent && !ranUserCode };
  const turned = await (state === "running" ? driverTurn : refill)(
    ctx,
    executor,
    own,
    seen,
    caps,
    reporting,
  );
  return { ...none, ...turned };
}

/**
 * Where all slots are taken by long works, one that ends shall be followed by the
 * next without a tick and another report. Where works end often, `decide` has a chain
 * of ticks do it, since these do not meet each other.
 */
async function refill(
  ctx: MutationCtx,
  executor: Doc<"executor">,
  stats: StatsView,
  view: View,
  caps: Caps,
  { leaving }: Reporting,
): Promise<Partial<Turned>> {
  const now = Date.now();
  const { state, config } = view;
  const hasNewLeases = livingExecutors(view).every(
    ({ epoch }) => epoch === config.epoch,
  );
  if (!state || !hasNewLeases) return {};
  if (!(await mayScheduleFunctions(ctx, executor))) return {};
  const caller: Caller = {
    kind: "report",
    executorId: executor._id,
    stats,
    leaving,
  };
  const outcome = await doTurn(ctx, now, caps, caller, view);
  if (outcome === null) return {};
  const kind = leavesNothing(outcome) ? "parked" : "refilled";
  return { driving: { kind }, ...found(outcome) };
}

function found({ status, width, undelivered }: Outcome): Partial<Turned> {
  return { status, width, undelivered };
}

function leavesNothing({ parkedAs }: Outcome): boolean {
  return parkedAs?.kind === "idle" || parkedAs?.kind === "scheduled";
}

async function driverTurn(
  ctx: MutationCtx,
  executor: Doc<"executor">,
  stats: StatsView,
  view: View,
  caps: Caps,
  { leaving, freed }: Reporting,
): Promise<Partial<Turned>> {
  const now = Date.now();
  const turnBy = view.state?.turnBy;
  if (turnBy !== undefined && turnBy !== executor._id) {
    const isThere = isOpen(turnBy, view.executors);
    return { driving: { kind: isThere ? "another" : "none" } };
  }
  if (!turnBy && (leaving || !volunteers(view, executor, caps, freed, now))) {
    return {};
  }
  if (!(await mayScheduleFunctions(ctx, executor))) return {};

  const caller: Caller = {
    kind: "driver",
    executorId: executor._id,
    stats,
    leaving,
  };
  const outcome = await doTurn(ctx, now, caps, caller, view);
  if (outcome === null) return {};
  const driving: Driving =
    outcome.turnBy === executor._id
      ? { kind: "drives", pollMs: outcome.nextAt - now }
      : { kind: leavesNothing(outcome) ? "parked" : "none" };
  return { driving, ...found(outcome) };
}

/** So few results are soon recorded again, should the report lose a race. */
const FEW = 2;
/** A report stays open for about so long, and longer for each callback that it runs. */
const OPEN_MS = 30;
const CALLBACK_MS = 5;

/**
 * Everything that runs and waits would fit one executor. The chain's next tick may come
 * while this report is open: then the report loses the race, and all of it is repeated. Of
 * several that find this at the same time, the one that has been open for longest begins:
 * the others would conflict with it.
 */
function volunteers(
  view: View,
  { _id }: Doc<"executor">,
  caps: Caps,
  freed: number,
  now: number,
): boolean {
  const untilTick = view.state!.nextTickAt - now;
  if (freed > FEW && untilTick < OPEN_MS + CALLBACK_MS * freed) return false;
  if (!couldDrive(view, _id, caps)) return false;
  const made = planFor(view, caps, now);
  return !made.leftOver && made.newExecutors.length === 0;
}

/** What an executor schedules after it was canceled would be born canceled. */
async function mayScheduleFunctions(
  ctx: MutationCtx,
  { scheduledId }: Doc<"executor">,
): Promise<boolean> {
  const job =
    scheduledId &&
    (await ctx.db.system.get("_scheduled_functions", scheduledId));
  return job?.state.kind === "inProgress";
}
