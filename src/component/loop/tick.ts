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
import { lookForTick, type View } from "./look.js";
import { executorViews, livingExecutors } from "./executorViews.js";
import { holdsTooMuch } from "./executors.js";
import type { Caps } from "./lease.js";
import { executorCaps, planFor } from "./planView.js";
import { type TickArgs, vTick } from "./caller.js";
import { doTurn } from "./turn.js";
import { isDead, overdue, wantedWatch, watchMissing } from "./watchdog.js";

export const tick = internalMutation({
  args: vTick,
  returns: v.null(),
  handler: async (ctx, args) => {
    const now = Date.now();
    const stale = await lookForTick(ctx, now, args);
    if (stale === null || (args.takeover && isAlive(stale, args, now))) {
      return null;
    }
    const caps = await executorCaps(ctx);
    if (!args.kick && nothingToDo(stale, caps, now)) return null;
    const caller = { kind: "tick" as const, ...args };
    await doTurn(ctx, now, caps, caller, stale);
    return null;
  },
});

/** Nothing is there to be taken over any more. */
function isAlive(
  { state, status, executors }: View,
  { kick }: TickArgs,
  now: number,
): boolean {
  return !kick && !!state && !!status && !isDead(status, state, executors, now);
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
          startBy: view.startBy,
          recovers: false,
        },
        now,
      ),
      now,
    )
  );
}
