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
import type { Infer } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { vDriver } from "../schema.js";
import { SECOND, SEGMENT_MS } from "../shared.js";
import type { ExecutorView } from "./lease.js";

export type Driver = Infer<typeof vDriver>;

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
const MAX_POLL_MS = 2.2 * SEGMENT_MS;
const MIN_POLL_MS = SEGMENT_MS;
/** A report is worth its price when it serves about so many works. */
const WORKS_PER_POLL = 3;
/** The rate is an average over about this time. */
const RATE_WINDOW_MS = 1 * SECOND;

/** How often a driver reports. Milliseconds. */
export function pollMs({ perSecond }: Pick<Driver, "perSecond">): number {
  if (perSecond <= 0) return MAX_POLL_MS;
  const ms = (WORKS_PER_POLL * SECOND) / perSecond;
  return Math.round(Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, ms)));
}

/** The driver after a turn in which it was handed `moved` works. */
export function afterTurn(driver: Driver, moved: number, now: number): Driver {
  const elapsed = Math.max(1, now - driver.lastTurnAt);
  const weight = Math.min(1, elapsed / RATE_WINDOW_MS);
  const { perSecond } = driver;
  const rate = (moved * SECOND) / elapsed;
  return {
    ...driver,
    perSecond: perSecond + (rate - perSecond) * weight,
    lastTurnAt: now,
  };
}

export function newDriver(executorId: Id<"executor">, now: number): Driver {
  return { executorId, perSecond: MIN_WAKE_UPS, lastTurnAt: now };
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

/** Whether the loop's driver is there to do its turns. */
export function driverLives(
  driver: Driver,
  executors: readonly Pick<Doc<"executor">, "_id" | "done" | "closing">[],
): boolean {
  const executor = executors.find(({ _id }) => _id === driver.executorId);
  return executor !== undefined && executor.done === null && !executor.closing;
}
