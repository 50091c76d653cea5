/**
 * The states of the loop, and what follows a tick. Pure.
 *
 * | state     | meaning                              | who wakes it                               |
 * | --------- | ------------------------------------ | ------------------------------------------ |
 * | idle      | nothing waits, nothing is due later  | enqueue, retry                             |
 * | scheduled | the earliest work is due `at`        | its tick; enqueue or retry of earlier work |
 * | running   | a chain of ticks, one per segment    | nobody needs to                            |
 * | saturated | work waits, no room                  | a report that frees room; settings         |
 *
 * The parked states (all but running) survive ticks: one that can start
 * everything leaves `idle` as it is, one that fills what was freed leaves
 * `saturated` as it is. No wake-up is lost by that, since everybody who saw the
 * parked state has scheduled a tick of their own.
 */
import type { Doc } from "../_generated/dataModel.js";
import { SECOND, SEGMENT_MS } from "../shared.js";

export type LoopStateKind = Doc<"runStatus">["state"];

/** A chain tries to park after two segments without anything to do. */
export const COOL_DOWN_MS = 2 * SEGMENT_MS;
/** The same while executors have so many more works than slots, all of them short: as many as one report brings. */
export const BUFFERING_COOL_DOWN_MS = 1 * SECOND;
export const MANY_BUFFERED = 100;
/** A tick this late tells that the deployment is busy, not that the pool is idle. */
const LATE_MS = SEGMENT_MS;
/**
 * For so long after the last work. A loop in which every tick is late must park, too:
 * where tests advance the clock from timer to timer, all of them are.
 */
const LATE_COUNTS_MS = 5 * SECOND;

export type TickOutcome = {
  state: LoopStateKind;
  /** Works handed over by this tick, or put back into the queue by it. */
  moved: number;
  /** A bound was met: there is more to do right now. */
  more: boolean;
  /** Something waits that could not be placed. */
  waiting: boolean;
  nextDueAt: number | null;
  now: number;
  /** When this tick was due, for a tick of the chain. */
  dueSince: number;
  /** When a tick last moved something. */
  lastWorkAt: number;
  /** Work comes so often that going on is cheaper than another wake-up. */
  frequent: boolean;
  /** How long there must have been nothing to do before it is worth trying to park. */
  coolDownMs: number;
};

export type Decision =
  | { kind: "run"; delayMs: number }
  /** Park as this, after making certain that nothing else is there. */
  | { kind: "park"; as: LoopStateKind }
  /** Leave everything as it is. */
  | { kind: "stay" };

export function decide(outcome: TickOutcome): Decision {
  const { state, now } = outcome;
  if (outcome.more) return { kind: "run", delayMs: 0 };
  const parked = parkedState(outcome.waiting, outcome.nextDueAt);
  if (state.kind === "running") {
    const quietMs = now - outcome.lastWorkAt;
    const isLate = now - outcome.dueSince > LATE_MS;
    const busy =
      outcome.moved > 0 ||
      quietMs < outcome.coolDownMs ||
      (isLate && quietMs < LATE_COUNTS_MS);
    return busy
      ? { kind: "run", delayMs: untilNextSegment(now) }
      : { kind: "park", as: parked };
  }
  // A backlog that has just begun may be of short works: many reports would each
  // wake the loop.
  const backlogBegins = outcome.waiting && state.kind !== "saturated";
  if (outcome.moved > 0 && (outcome.frequent || backlogBegins)) {
    return { kind: "run", delayMs: untilNextSegment(now) };
  }
  return sameState(state, parked)
    ? { kind: "stay" }
    : { kind: "park", as: parked };
}

export function parkedState(
  waiting: boolean,
  nextDueAt: number | null,
): LoopStateKind {
  if (waiting) return { kind: "saturated" };
  return nextDueAt === null
    ? { kind: "idle" }
    : { kind: "scheduled", at: nextDueAt };
}

export function sameState(a: LoopStateKind, b: LoopStateKind): boolean {
  return (
    a.kind === b.kind &&
    (a.kind !== "scheduled" || b.kind !== "scheduled" || a.at === b.at)
  );
}

export function untilNextSegment(now: number): number {
  return SEGMENT_MS - (now % SEGMENT_MS);
}

/**
 * Ticks that move nothing and schedule another one: more of them than any
 * working loop makes mean a bug, and then it shall cost little and be seen.
 */
export const MAX_FRUITLESS_TICKS_PER_MINUTE = 300;
export const RUNAWAY_DELAY_MS = 1 * SECOND;
