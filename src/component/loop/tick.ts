/**
 * The main loop: a chain of scheduled mutations, at most one of them alive. Each
 * does one turn (`turn.ts`). `decide.ts` has the states, `docs/architecture.md`
 * the failure each rule answers.
 *
 * A tick is one of
 * - a wake-up or a link of the chain: it exits unless its generation is the
 *   stored one and no executor drives, having read nothing but a stale snapshot;
 * - a takeover: somebody found the loop dead, and this starts a new generation,
 *   if it still is;
 * - a kick: somebody believes so.
 */
import { v } from "convex/values";
import { internalMutation } from "../_generated/server.js";
import { parkedState, sameState } from "./decide.js";
import { lookStale, type View } from "./look.js";
import { executorViews, livingExecutors } from "./executorViews.js";
import { committedAt } from "./scan.js";
import { holdsTooMuch } from "./executors.js";
import type { Caps } from "./lease.js";
import { executorCaps, planFor } from "./planView.js";
import { isLink, type TickArgs } from "./caller.js";
import { doTurn } from "./turn.js";
import {
  isDead,
  LOST_MS,
  nextIsLost,
  overdue,
  wantedWatch,
  watchMissing,
} from "./watchdog.js";

export const tick = internalMutation({
  args: {
    generation: v.int64(),
    takeover: v.optional(v.boolean()),
    /** Says which entries this tick was scheduled for: they carry the same. */
    token: v.optional(v.string()),
    /** A link of the chain: when it was due. */
    dueAt: v.optional(v.number()),
    /** Somebody asked for it: looks after everything, under a new generation. */
    kick: v.optional(v.boolean()),
  },
  returns: v.null(),
  handler: async (ctx, args) => {
    const now = Date.now();
    const { token } = args;
    const looking = token === undefined ? {} : { token };
    const stale = await lookStale(ctx, now, looking);
    if (!concerns(stale, args, now) || isAnothers(stale, args, now)) {
      return null;
    }
    const caps = await executorCaps(ctx);
    if (!args.kick && nothingToDo(stale, caps, now)) return null;
    const caller = { kind: "tick" as const, ...args };
    await doTurn(ctx, now, caps, caller, stale);
    return null;
  },
});

/** Is this tick still wanted? */
function concerns(
  { state, status, executors }: View,
  args: TickArgs,
  now: number,
): boolean {
  if ((status?.generation ?? 0n) !== args.generation) return false;
  if (args.kick) return true;
  if (!state || !status) return true;
  if (args.takeover) return isDead(status, state, executors, now);
  const driven = state.turnBy !== undefined && !nextIsLost(status, state, now);
  return !driven && isLink(args, state);
}

/**
 * Many who enqueue into a parked pool at once schedule a tick each. The one of
 * the oldest entry starts everything; those of younger ones leave before they would
 * conflict with it. What that one does not see yet conflicts with it instead
 * (`nothingBehind` in `transition.ts`). Should it have been canceled, or be held up, the
 * others do not count on it.
 */
function isAnothers(view: View, args: TickArgs, now: number): boolean {
  const kind = view.status?.state.kind ?? "idle";
  if (!args.token || kind === "running" || kind === "saturated") return false;
  const [oldest] = view.ready;
  return (
    oldest !== undefined &&
    view.oldestHasOlderTick &&
    now - committedAt(oldest) < LOST_MS
  );
}

/** For wake-ups that came second: another tick has done everything. */
function nothingToDo(view: View, caps: Caps, now: number): boolean {
  const { state, status, config } = view;
  if (!state || !status || status.state.kind === "running") return false;
  if (overdue(status, now)) return false;
  const made = planFor(view, caps, now);
  const parked = parkedState(made.leftOver, view.nextDueAt);
  return (
    view.arrivals.length === 0 &&
    made.pieces.length === 0 &&
    sameState(parked, status.state) &&
    livingExecutors(view).every(({ epoch }) => epoch === config.epoch) &&
    !executorViews(view).some(holdsTooMuch) &&
    !watchMissing(
      state,
      wantedWatch(
        {
          state: status.state,
          hasExecutors: view.executors.length > 0,
          waits:
            config.maxParallelism > 0 && (made.leftOver || made.apartWaits),
          owedAt: view.owedAt,
          recovers: false,
        },
        now,
      ),
      now,
    )
  );
}
