/**
 * Leases: who may have how many handlers in flight. The sum of all leases never
 * exceeds the limit, so nobody needs a shared counter. Pure.
 */
import { type ClassRoom, classRoomOf } from "./classRoom.js";

/** An executor as the loop sees it. Counts come from a snapshot and only ever err on the high side. */
export type ExecutorView = {
  id: string;
  width: number;
  epoch: number;
  closing: boolean;
  /** It has been closing for a while, and lets long works end. */
  drains: boolean;
  /** Handed over and not ended: running, buffered, or not delivered yet. */
  inFlight: number;
  /** Of these, how many it has not been given. */
  undelivered: number;
  /** The widest lease that what is in flight may have been started under. */
  peak: number;
  /** How many works per slot it can make use of; 1 or more. */
  worksPerSlot: number;
  /**
   * It takes nothing before one of its works ends, and these are long, or their
   * arguments fill its memory: nobody hands it anything meanwhile.
   */
  asleep: boolean;
  /** It takes long works, and no others. */
  long: boolean;
};

/** How many executors a pool may have, and how many works in flight. */
export type Caps = {
  room: ClassRoom;
  /** That accept work of one kind at a time. */
  accepting: number;
  /** In all, those included that only let finish what they have. */
  inAll: number;
  /**
   * How wide the lease of one that drives may get before others are started. More
   * operations at a time may queue up inside one action.
   */
  driving: number;
};

/** See {@link Caps}. */
export const MOST_DRIVING = 64;

/** The smallest useful executor: starting one costs about as much as running this many short works. */
export const MIN_WIDTH = 8;

/** Handlers that may be in flight there now. */
export function runningAtMost({ inFlight, peak }: ExecutorView): number {
  return Math.min(inFlight, peak);
}

/** What an executor may have running, now or later, and so what nobody else may have. */
export function leaseOf(executor: ExecutorView): number {
  const running = runningAtMost(executor);
  return executor.closing ? running : Math.max(executor.width, running);
}

/** Slots in which a work could begin at once. */
export function freeSlots(executor: ExecutorView): number {
  const { closing, asleep, width, inFlight } = executor;
  return closing || asleep ? 0 : Math.max(0, width - inFlight);
}

/** How many more works it can make use of once its slots are full: short ones are handed over ahead. */
export function roomAhead(executor: ExecutorView): number {
  const { closing, asleep, width, peak, worksPerSlot, inFlight } = executor;
  // While handlers of an older, wider lease may run, more in flight would look
  // like more of them.
  if (closing || asleep || peak > width) return 0;
  const useful = Math.ceil(width * worksPerSlot);
  return Math.max(0, useful - Math.max(inFlight, width));
}

/** How much of the limit nobody holds. Negative after the limit was lowered, until enough has ended. */
export function unleased(
  limit: number,
  executors: readonly ExecutorView[],
): number {
  return executors.reduce((left, each) => left - leaseOf(each), limit);
}

/**
 * Scheduler slots are scarce on the smallest class (8, shared with the user's
 * own scheduled functions and the loop's ticks); parallelism inside one is not.
 * Executors that drain long works hold a slot, too, and do nothing else with it.
 */
export function capsOf(deploymentClass: string): Caps {
  const room = classRoomOf(deploymentClass);
  return deploymentClass.toUpperCase() === "S16"
    ? { accepting: 3, inAll: 5, driving: 16, room }
    : { accepting: 4, inAll: 20, driving: MOST_DRIVING, room };
}

/**
 * The width of a new executor. The last one that may be started gets all that
 * is left: otherwise that part of the limit would lie idle.
 */
export function widthOfNew(
  limit: number,
  left: number,
  executorSlots: number,
  caps: Caps,
): number {
  if (executorSlots <= 1) return left;
  return Math.min(left, fairWidth(limit, caps));
}

/** An even share of the limit. */
export function fairWidth(limit: number, { accepting }: Caps): number {
  return Math.max(MIN_WIDTH, Math.ceil(limit / accepting));
}

/**
 * New widths under a changed limit: what is too much is taken from one executor
 * after the other. Handlers in flight run on; nothing new starts until they
 * have ended. Closing executors come last, but they too may have works in their
 * buffers that would begin.
 */
export function relieve(
  limit: number,
  executors: readonly ExecutorView[],
): Map<string, number> {
  const open = executors.filter(({ closing }) => !closing);
  const closing = executors.filter((each) => each.closing);
  const held = (each: ExecutorView): number =>
    each.closing ? leaseOf(each) : each.width;
  let excess = executors.reduce((sum, each) => sum + held(each), -limit);
  const widths = new Map<string, number>();
  for (const each of [...open, ...closing]) {
    const cut = Math.min(Math.max(excess, 0), held(each));
    excess -= cut;
    const { id, width } = each;
    widths.set(id, cut > 0 ? Math.min(width, held(each) - cut) : width);
  }
  return widths;
}
