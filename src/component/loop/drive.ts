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
import { executorViews } from "./executorViews.js";
import { type Caps, type ExecutorView, MOST_DRIVING } from "./lease.js";

/** A driver's loop parks after this long without work: starting over costs more than a few reports. */
export const DRIVEN_COOL_DOWN_MS = 1 * SECOND;
/** Parked ticks within a second that make driving cheaper than waking the loop each time. */
export const MIN_WAKE_UPS = 3;

/** At a handful of works per second nobody waits longer for a start; a chain would look as often as the least. */
export const MAX_POLL_MS = Math.round(2.2 * SEGMENT_MS);
/** A busy one looks twice as often as a chain would: its looks cost no calls of their own. */
const MIN_POLL_MS = SEGMENT_MS / 2;
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

/**
 * Whether an executor that has so many works could begin to drive, whatever the class of the
 * deployment. The turn itself finds out whether it does.
 */
export function mightBegin(works: number, width: number): boolean {
  return works < width && isLight(works, { driving: MOST_DRIVING });
}

/** Whether so many works leave a driver as much room again, so that it does not stop at once. */
export function isLight(
  works: number,
  { driving }: Pick<Caps, "driving">,
): boolean {
  return works <= driving / 2;
}

/**
 * Whether this executor drives, or may begin to as far as what runs tells. Of several that
 * find this at the same time, the one that has been open for longest begins: the others
 * would conflict with it.
 */
export function couldDrive(
  view: Parameters<typeof executorViews>[0],
  executorId: Id<"executor">,
  caps: Pick<Caps, "driving">,
): boolean {
  const { turnBy, assigned = [] } = view.state ?? {};
  if (turnBy !== undefined) return turnBy === executorId;
  const executors = executorViews(view);
  const open = executors.filter(({ closing }) => !closing);
  const eldest = assigned.find((each) =>
    open.some(({ id }) => id === each.executorId),
  );
  return eldest?.executorId === executorId && isLight(worksOf(executors), caps);
}

/** All that is in flight. */
export function worksOf(executors: readonly ExecutorView[]): number {
  return executors.reduce((sum, { inFlight }) => sum + inFlight, 0);
}

/** Whether it is there to do the loop's turns. */
export function isOpen(
  executorId: Id<"executor">,
  executors: readonly Pick<Doc<"executor">, "_id" | "state">[],
): boolean {
  const executor = executors.find(({ _id }) => _id === executorId);
  return executor?.state.kind === "open";
}
