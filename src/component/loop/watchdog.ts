/**
 * When the loop counts as dead, and when the watchdog should come. Pure.
 *
 * Every state in which something could go wrong unseen has a `watch` ahead. Should
 * that be lost, `validUntil` passes, and whoever notices has the loop taken over.
 */
import type { Doc } from "../_generated/dataModel.js";
import { SECOND } from "../shared.js";
import type { LoopStateKind } from "./decide.js";
import { isOpen } from "./drive.js";

/** A lost executor or a lost tick is noticed after this at the latest. */
export const WATCH_MS = 12 * SECOND;
/** The same with what it takes to deal with it, as users are told. */
export const DEALT_WITH_MS = WATCH_MS + 3 * SECOND;
/** While lost executors are looked after: a piece that failed is tried smaller soon. */
const WATCH_SOON_MS = 2 * SECOND;
/** The watchdog comes this long after the due time that a parked loop waits for. */
const GRACE_MS = 15 * SECOND;
/**
 * Without a sign of life for this long, whoever notices has the loop taken over. Each
 * renewal conflicts with whoever is enqueuing, so it serves several watches.
 */
const VALID_MS = 60 * SECOND;
/** Renewed when the next watch might come too late to do it. */
const RENEW_BELOW_MS = 2 * WATCH_MS;
/** A chain, or a driver, this long overdue is not coming back. */
export const LOST_MS = 5 * SECOND;

/** What could go wrong unseen. */
export type Dangers = {
  state: LoopStateKind;
  hasExecutors: boolean;
  /** Something waits for a place, in a pool that is not paused. */
  waits: boolean;
  /** When owed callbacks should be looked after. */
  owedAt: number | null;
  /** In a paused pool, when the first of the works has to begin that wait. In others it comes while works wait. */
  startBy: number | null;
  recovers: boolean;
};

/** When the watchdog should come. Null: nothing can go wrong. */
export function wantedWatch(dangers: Dangers, now: number): number | null {
  const { state, hasExecutors, waits, owedAt, startBy, recovers } = dangers;
  const times: number[] = [];
  if (recovers) times.push(now + WATCH_SOON_MS);
  if (hasExecutors || waits || state.kind === "running") {
    times.push(now + WATCH_MS);
  }
  if (state.kind === "scheduled") times.push(state.at + GRACE_MS);
  if (owedAt !== null) times.push(Math.max(owedAt, now + WATCH_MS));
  if (startBy !== null) times.push(Math.max(startBy, now + WATCH_SOON_MS));
  return times.length > 0 ? Math.ceil(Math.min(...times)) : null;
}

/** No watch, one that did not come, or one that comes too late. */
export function watchMissing(
  { watch }: Pick<Doc<"loopState">, "watch">,
  wanted: number | null,
  now: number,
): boolean {
  if (wanted === null) return false;
  return (
    watch === null || watch.at < now - LOST_MS || watch.at > wanted + SECOND
  );
}

/**
 * Whether a turn may put the watch off, if it finds no losses itself: one that comes
 * soon, for which the usual time is wanted. Overdue callbacks are left to the watch.
 */
export function mayPutOff(
  { at }: { at: number },
  wanted: number,
  owedAt: number | null,
  now: number,
): boolean {
  return (
    (owedAt === null || owedAt > now) &&
    at > now &&
    at < now + WATCH_MS / 2 &&
    wanted > now + WATCH_MS - SECOND
  );
}

export function validUntil(
  {
    state,
    hasExecutors,
    waits,
  }: Pick<Dangers, "state" | "hasExecutors" | "waits">,
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
      return hasExecutors || waits ? now + VALID_MS : null;
  }
}

/**
 * Whether to write down anew until when the loop counts as alive. What is
 * missing must not wait; that it runs out is for the watchdog to prevent.
 */
export function needsRenewal(
  status: Pick<Doc<"runStatus">, "state" | "validUntil">,
  dangers: Pick<Dangers, "hasExecutors" | "waits">,
  now: number,
  isWatch: boolean,
): boolean {
  const { state } = status;
  if (state.kind !== "running" && state.kind !== "saturated") return false;
  const wanted = validUntil({ state, ...dangers }, now);
  if (wanted === null) return isWatch && status.validUntil !== null;
  if (status.validUntil === null) return true;
  return isWatch && status.validUntil < now + RENEW_BELOW_MS;
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

/** The loop gave no sign of life for too long, or what it waits for is not coming. */
export function isDead(
  status: Pick<Doc<"runStatus">, "state" | "validUntil">,
  { nextTickAt, turnBy }: Pick<Doc<"loopState">, "nextTickAt" | "turnBy">,
  executors: readonly Pick<Doc<"executor">, "_id" | "state">[],
  now: number,
): boolean {
  return (
    overdue(status, now) ||
    nextIsLost(status, { nextTickAt }, now) ||
    (turnBy !== undefined && !isOpen(turnBy, executors))
  );
}
