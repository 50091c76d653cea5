/**
 * When the loop counts as dead, and when the guard should look. Pure.
 *
 * Every state in which something could go wrong unseen has a guard tick ahead.
 * Should the guard itself be lost, `validUntil` passes, and whoever notices then
 * takes the loop over.
 */
import type { Doc } from "../_generated/dataModel.js";
import { SECOND } from "../shared.js";
import type { LoopStateKind } from "./decide.js";

/** A lost executor or a lost tick is noticed after this at the latest. */
export const GUARD_MS = 12 * SECOND;
/** The guard comes this long after the due time that a parked loop waits for. */
const GUARD_GRACE_MS = 15 * SECOND;
/**
 * Without a sign of life for this long, whoever notices takes the loop over. Each
 * renewal conflicts with whoever is enqueuing, so it serves several guards.
 */
const VALID_MS = 60 * SECOND;
/** Renewed when the next guard might come too late to do it. */
const RENEW_BELOW_MS = 2 * GUARD_MS;
/** A chain, or a driver, this long overdue is not coming back. */
export const LOST_MS = 5 * SECOND;

/** When a guard should come, given what could go wrong unseen. Null: nothing can. */
export function wantedGuard(
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
export function guardMissing(
  state: Pick<Doc<"loopState">, "guardAt">,
  wanted: number | null,
  now: number,
): boolean {
  if (wanted === null) return false;
  return (
    state.guardAt === null ||
    state.guardAt < now - LOST_MS ||
    state.guardAt > wanted + SECOND
  );
}

export function validUntil(
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

/**
 * Whether to write down anew until when the loop counts as alive. What is
 * missing must not wait; that it runs out is for the guard to prevent.
 */
export function needsRenewal(
  status: Pick<Doc<"runStatus">, "state" | "validUntil">,
  hasExecutors: boolean,
  now: number,
  isGuard: boolean,
): boolean {
  const { state } = status;
  if (state.kind !== "running" && state.kind !== "saturated") return false;
  const wanted = validUntil(state, hasExecutors, now);
  if (wanted === null) return isGuard && status.validUntil !== null;
  if (status.validUntil === null) return true;
  return isGuard && status.validUntil < now + RENEW_BELOW_MS;
}

/** Nobody has given a sign of life for too long. */
export function overdue(
  status: Pick<Doc<"runStatus">, "validUntil"> | null,
  now: number,
): boolean {
  return (
    status !== null && status.validUntil !== null && status.validUntil < now
  );
}

/** What the loop waits for, a tick or its driver's report, did not come. */
export function nextIsLost(
  status: Pick<Doc<"runStatus">, "state">,
  state: Pick<Doc<"loopState">, "nextTickAt">,
  now: number,
): boolean {
  switch (status.state.kind) {
    case "running":
      return state.nextTickAt < now - LOST_MS;
    case "scheduled":
      return status.state.at < now - LOST_MS;
    case "idle":
    case "saturated":
      return false;
  }
}
