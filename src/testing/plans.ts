/** Short ways to describe what a plan is made of. */
import type { Caps, ExecutorView } from "../component/loop/lease.js";
import { classRoomOf } from "../component/loop/classRoom.js";
import type { WaitingEntry } from "../component/loop/admit.js";
import { plan, type Plan } from "../component/loop/plan.js";

export const CAPS: Caps = {
  accepting: 4,
  inAll: 20,
  driving: 16,
  room: classRoomOf("S256"),
};
/** So many executors accept work, and no more are there. */
export const caps = (count: number): Caps => ({
  ...CAPS,
  accepting: count,
  inAll: count,
});

export function executor(
  id: string,
  changes: Partial<ExecutorView> = {},
): ExecutorView {
  return {
    id,
    width: 10,
    epoch: 0,
    closing: false,
    drains: changes.closing === true,
    inFlight: 0,
    undelivered: 0,
    // As if no lease had been wider than the present one.
    peak: changes.width ?? 10,
    worksPerSlot: 1,
    asleep: false,
    long: false,
    ...changes,
  };
}

export function entry(id: string, works = 1, waitingSince = 0): WaitingEntry {
  return { id, kind: "ready", waitingSince, works };
}

export const hasRoom = (
  limit: number,
  caps: Caps,
  executors: readonly ExecutorView[],
) => !plan(limit, caps, executors, [entry("probe")], []).leftOver;
export const totalOf = (made: Plan) =>
  made.pieces.reduce((sum, { works }) => sum + works, 0);
