/**
 * The driver: in light, steady load one executor's reports do the ticks.
 *
 * A chain of ticks and an executor that asks for work would each make a call per
 * round. Where everything that runs fits into one executor, its report does the
 * loop's turn in its own transaction: one call brings results, looks at the
 * queue, hands over and delivers. No chain runs meanwhile.
 *
 *     frequent wake-ups in a parked pool ──▶ its new executor drives
 *     a report in a running pool with room ──▶ that executor drives
 *     more than it can take, leaving, changed settings ──▶ a chain goes on
 *     nothing came for a while ──▶ the loop parks, and its driver closes
 *
 * A driver that dies is found by the watchdog, like any lost executor, and its
 * loop like a lost chain.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import { SECOND, SEGMENT_MS } from "../shared.js";
import type { ExecutorView } from "./lease.js";

/**
 * How wide a driver's lease may get before others are started. More operations
 * at a time may queue up inside one action.
 */
export const DRIVER_WIDTH = 16;
/** An executor starts to drive with no more than this in flight, so that it does not stop at once. */
export const LIGHT_WORKS = DRIVER_WIDTH / 2;
/** A driver's loop parks after this long without work: starting over costs more than a few reports. */
export const DRIVEN_COOL_DOWN_MS = 1 * SECOND;
/** Parked ticks within a second that make driving cheaper than waking the loop each time. */
export const MIN_WAKE_UPS = 3;

/** At a handful of works per second nobody waits longer for a start; a chain would look as often as the least. */
export const MAX_POLL_MS = Math.round(2.2 * SEGMENT_MS);
const MIN_POLL_MS = SEGMENT_MS;
/** A report is worth its price when it serves about so many works. */
const WORKS_PER_POLL = 3;
/** The rate is an average over about this time. */
const RATE_WINDOW_MS = 4 * SECOND;

/**
 * How long a driver waits until its next report.
 *
 * @param lastMs - How long it was told to wait before this turn: this says how many
 *   works were coming.
 * @param elapsedMs - How long it did wait.
 * @param moved - How many works it was handed in this turn.
 */
export function nextPollMs(
  lastMs: number,
  elapsedMs: number,
  moved: number,
): number {
  const elapsed = Math.max(1, elapsedMs);
  const before = WORKS_PER_POLL / Math.max(MIN_POLL_MS, lastMs);
  const weight = Math.min(1, elapsed / RATE_WINDOW_MS);
  const perMs = before + (moved / elapsed - before) * weight;
  const ms = perMs > 0 ? WORKS_PER_POLL / perMs : MAX_POLL_MS;
  return Math.round(Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, ms)));
}

/** Whether an executor that has this many works could begin to drive. */
export function mayBegin(works: number, width: number): boolean {
  return works < width && works <= LIGHT_WORKS;
}

/** Whether everything in flight would fit one executor with room to spare. */
export function isLight(executors: readonly ExecutorView[]): boolean {
  const works = executors.reduce((sum, { inFlight }) => sum + inFlight, 0);
  return works <= LIGHT_WORKS;
}

/** Whether it is there to do the loop's turns. */
export function isOpen(
  executorId: Id<"executor">,
  executors: readonly Pick<Doc<"executor">, "_id" | "state">[],
): boolean {
  const executor = executors.find(({ _id }) => _id === executorId);
  return executor?.state.kind === "open";
}
