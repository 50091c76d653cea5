/** Short ways to describe what a plan is made of. */
import type { ExecutorView } from "../component/loop/lease.js";
import { plan, type Plan, type WaitingEntry } from "../component/loop/plan.js";

export const CAP = 4;

export function executor(
  id: string,
  changes: Partial<ExecutorView> = {},
): ExecutorView {
  return {
    id,
    width: 10,
    epoch: 0,
    closing: false,
    inFlight: 0,
    // As if no lease had been wider than the present one.
    peak: changes.width ?? 10,
    worksPerSlot: 1,
    ...changes,
  };
}

export function entry(id: string, works = 1, waitingSince = 0): WaitingEntry {
  return { id, kind: "ready", waitingSince, works };
}

export const hasRoom = (
  limit: number,
  cap: number,
  executors: readonly ExecutorView[],
) => !plan(limit, cap, executors, [entry("probe")], []).leftOver;
export const totalOf = (made: Plan) =>
  made.pieces.reduce((sum, { works }) => sum + works, 0);
