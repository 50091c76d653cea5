/**
 * Which waiting works go to which executor. Pure: plain data in, plain data out.
 */
import {
  type ExecutorView,
  freeSlots,
  leaseOf,
  roomAhead,
  runningAtMost,
  unleased,
  widthOfNew,
} from "./lease.js";

/** A queue entry as a tick sees it. */
export type WaitingEntry = {
  id: string;
  kind: "ready" | "later" | "isolated";
  /** Since when it could have started, in milliseconds since the epoch. */
  waitingSince: number;
  works: number;
};

export type Target =
  | { kind: "executor"; id: string }
  /** The n-th of {@link Plan.newExecutors}. */
  | { kind: "new"; index: number };

export type Plan = {
  /** In starting order: how many works of which entry go where. */
  pieces: { entryId: string; works: number; target: Target }[];
  newExecutors: { width: number; isolated: boolean; listener: boolean }[];
  /** Executors whose lease is widened, because no further one may be started. */
  grow: { id: string; width: number }[];
  /**
   * Whether something waits that found no place. Isolated works do not count:
   * they may wait for an executor to end while others find room, and the guard,
   * which comes as long as executors live, looks after them.
   */
  leftOver: boolean;
};

/** The oldest first. Within a kind the given order is kept: cursors depend on it. */
export function merge(
  a: readonly WaitingEntry[],
  b: readonly WaitingEntry[],
): WaitingEntry[] {
  const merged: WaitingEntry[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (left && (!right || left.waitingSince <= right.waitingSince)) {
      merged.push(left);
      i += 1;
    } else {
      merged.push(right!);
      j += 1;
    }
  }
  return merged;
}

export function plan(
  limit: number,
  executorCap: number,
  executors: readonly ExecutorView[],
  entries: readonly WaitingEntry[],
  isolated: readonly WaitingEntry[],
  /** Widened up to this before others are started. */
  driver: { id: string; width: number } | null = null,
): Plan {
  const result: Plan = {
    pieces: [],
    newExecutors: [],
    grow: [],
    leftOver: false,
  };
  // Negative after the limit was lowered: then one executor runs more than its
  // width, and of what is free elsewhere only so much may be used as is left
  // beside everything that runs.
  const over = unleased(limit, executors) < 0;
  let budget = over
    ? executors.reduce((rest, each) => rest - runningAtMost(each), limit)
    : Infinity;
  let left = Math.max(0, unleased(limit, executors));
  let executorSlots = executorSlotsLeft(executorCap, executors);

  // Isolated works first: they have waited longest, and take one slot each.
  // One executor slot is kept for the others.
  for (const entry of isolated) {
    if (left < 1 || executorSlots < (executors.length > 0 ? 1 : 2)) break;
    result.pieces.push({
      entryId: entry.id,
      works: entry.works,
      target: { kind: "new", index: result.newExecutors.length },
    });
    result.newExecutors.push({ width: 1, isolated: true, listener: false });
    left -= 1;
    executorSlots -= 1;
  }

  const open = executors
    .filter(({ closing }) => !closing)
    .map((each) => ({
      each,
      target: { kind: "executor" as const, id: each.id },
      free: freeSlots(each),
    }))
    .sort((a, b) => b.free - a.free);
  let driving = open.find(({ each }) => each.id === driver?.id);
  type Place = { target: Target; free: number };
  let places: Place[] = open.map(({ target, free }) => ({ target, free }));

  /** Widens the lease of an open executor, as far as there is something left of the limit. */
  const widen = (widened: (typeof open)[number], by: number): void => {
    const { id, inFlight } = widened.each;
    const before = result.grow.find((each) => each.id === id);
    const lease = before?.width ?? leaseOf(widened.each);
    if (before) before.width = lease + by;
    else result.grow.push({ id, width: lease + by });
    left -= by;
    // What was handed over ahead takes the new slots first.
    const ahead = Math.max(0, inFlight - lease);
    places.push({ target: widened.target, free: Math.max(0, by - ahead) });
  };

  /** The next place, in this order: free slots, a wider driver, a new executor, a wider one, room ahead. */
  const nextPlace = (): Place | null => {
    while (places[0]?.free === 0) places.shift();
    if (places[0]) return places[0];
    if (driving && left > 0) {
      const widened = driving;
      driving = undefined;
      const by = Math.min(left, driver!.width - leaseOf(widened.each));
      if (by > 0) {
        widen(widened, by);
        return nextPlace();
      }
    }
    if (left > 0 && executorSlots > 0) {
      const width = widthOfNew(limit, left, executorSlots, executorCap);
      const listener = executorSlots === 1;
      const index = result.newExecutors.length;
      places.push({ target: { kind: "new", index }, free: width });
      result.newExecutors.push({ width, isolated: false, listener });
      left -= width;
      executorSlots -= 1;
      return places[0]!;
    }
    const widened = open[0];
    if (left > 0 && widened) {
      widen(widened, left);
      return nextPlace();
    }
    if (!aheadPlaced && !over) {
      aheadPlaced = true;
      places = shares(
        open.map(({ each, target }) => ({ target, room: roomAhead(each) })),
      );
      return nextPlace();
    }
    return null;
  };
  let aheadPlaced = false;

  for (const entry of entries) {
    let works = entry.works;
    while (works > 0) {
      const found = budget > 0 ? nextPlace() : null;
      if (!found) {
        result.leftOver = true;
        return result;
      }
      const count = Math.min(works, found.free, budget);
      result.pieces.push({
        entryId: entry.id,
        works: count,
        target: found.target,
      });
      found.free -= count;
      budget -= count;
      works -= count;
    }
  }
  return result;
}

/**
 * How many executors may be started. When all are draining long works, none
 * would take anything new until one ends; then one more may be started, as long
 * as they are no more than twice the cap.
 */
export function executorSlotsLeft(
  executorCap: number,
  executors: readonly ExecutorView[],
): number {
  const draining = executors.every(({ closing }) => closing);
  if (draining && executors.length >= executorCap) {
    return executors.length < 2 * executorCap ? 1 : 0;
  }
  return Math.max(0, executorCap - executors.length);
}

/** Room ahead goes round in small shares: what waits is spread, however little it is. */
function shares(
  rooms: { target: Target; room: number }[],
): { target: Target; free: number }[] {
  const places: { target: Target; free: number }[] = [];
  let left = rooms.filter(({ room }) => room > 0);
  while (left.length > 0) {
    for (const each of left) {
      const free = Math.min(each.room, AHEAD_SHARE);
      places.push({ target: each.target, free });
      each.room -= free;
    }
    left = left.filter(({ room }) => room > 0);
  }
  return places;
}
const AHEAD_SHARE = 8;
