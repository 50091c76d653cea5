/**
 * Nothing waits for long that could run. What was lost by a fault is noticed
 * within fifteen seconds once all is well again; without faults, nothing is lost.
 */
import type { Mirror } from "../mirror.js";
import type { CommitCheck, Violate } from "./check.js";

/** A lost executor is noticed, and a lost tick replaced, within this. */
export const NOTICED_MS = 15_000;
/** Far more than a loop needs to look, though it may lose a few races. */
export const PROMPT_MS = 5_000;

export function checkWaiting(
  mirror: Mirror,
  violate: Violate,
  /** Time that passes, and what clocks show, in milliseconds. */
  time: { elapsed(): number; now(): number },
  /** How long something may wait at this time, in milliseconds. */
  patience: () => number,
  executorCap: number,
): CommitCheck {
  let stuckSince: number | null = null;
  return () => {
    const waiting = waitsThoughThereIsRoom(mirror, time.now(), executorCap);
    if (waiting === null) {
      stuckSince = null;
      return;
    }
    stuckSince ??= time.elapsed();
    if (time.elapsed() - stuckSince > patience()) {
      violate("waits though there is room", waiting);
    }
  };
}

/** Isolated works left out: they wait for an executor of their own. */
function waitsThoughThereIsRoom(
  mirror: Mirror,
  now: number,
  executorCap: number,
): string | null {
  const stats = new Map(
    [...mirror.rows("executorStats")].map((row) => [row.executorId, row]),
  );
  const living = [...mirror.rows("executor")].filter(
    ({ done }) => done === null,
  );
  if (living.length >= executorCap) return null;
  let inFlight = 0;
  for (const { executorId, works } of mirror.single("loopState")?.assigned ??
    []) {
    inFlight += works - (stats.get(executorId)?.ended ?? 0);
  }
  if (inFlight >= mirror.limit) return null;
  for (const { _id, kind, dueAt } of mirror.rows("pendingStart")) {
    if (kind !== "isolated" && dueAt <= now) return `entry ${_id}`;
  }
  return null;
}
