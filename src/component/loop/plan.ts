/**
 * Which waiting works go to which executor. Pure: plain data in, plain data out.
 *
 * There are two kinds of executors: for ordinary works, and for long ones (`lifetime.ts`);
 * works in quarantine get an executor of their own. All share the limit. What an
 * executor has free is the loop's to give to another: it runs only what it is
 * handed. An executor that sleeps over long works is handed nothing.
 */
import {
  type Caps,
  type ExecutorView,
  freeSlots,
  leaseOf,
  MIN_WIDTH,
  roomAhead,
  runningAtMost,
  unleased,
  widthOfNew,
} from "./lease.js";

/** A queue entry as a tick sees it. */
export type WaitingEntry = {
  id: string;
  kind: "ready" | "later" | "isolated" | "long";
  /** Since when it could have started, in milliseconds since the epoch. */
  waitingSince: number;
  works: number;
};

export type Target =
  | { kind: "executor"; id: string }
  /** The n-th of {@link Plan.newExecutors}. */
  | { kind: "new"; index: number };

export type NewExecutor = {
  width: number;
  isolated: boolean;
  long: boolean;
  listener: boolean;
};

export type Plan = {
  /** In starting order: how many works of which entry go where. */
  pieces: { entryId: string; works: number; target: Target }[];
  newExecutors: NewExecutor[];
  /** Executors whose lease changes: widened, or cut down to what they have. */
  leases: { id: string; width: number }[];
  /** Whether something waits that found no place. */
  leftOver: boolean;
  /**
   * Whether long or isolated works do. They may wait for an executor to end while
   * others find room; the watchdog looks after them.
   */
  apartWaits: boolean;
};

/** An executor that is widened up to this before others are started. */
export type Favored = { id: string; width: number };

/** Executor slots that ordinary works can count on, whoever else wants one. */
const KEPT_FROM_ISOLATED = 1;
const KEPT_FROM_LONG = 2;
/** Of the limit, so much is worth one more executor while all that accept work sleep. */
const MUCH = 8;
const AHEAD_SHARE = 8;

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

export type Asked = {
  /** Widened before others are started. */
  favored: Favored | null;
  /** Nothing has moved for a while: no slot shall wait any longer for a report. */
  impatient: boolean;
};

/** @param entries - Ordinary and long ones, the oldest first. */
export function plan(
  limit: number,
  caps: Caps,
  executors: readonly ExecutorView[],
  entries: readonly WaitingEntry[],
  isolated: readonly WaitingEntry[],
  { favored = null, impatient = false }: Partial<Asked> = {},
): Plan {
  const planner = new Planner(limit, caps, executors, entries, {
    favored,
    impatient,
  });
  for (const entry of isolated) planner.placeIsolated(entry);
  for (const entry of entries) {
    const placed = planner.place(entry);
    // Nothing overtakes an ordinary work that waits.
    if (!placed && entry.kind !== "long") break;
  }
  return planner.plan;
}

/** Room for works: of free slots, or beyond those. */
type Place = { target: Target; free: number; ahead: boolean };

/** An open executor, and what the plan makes of it. */
type Open = { view: ExecutorView; width: number; placed: number };

/** The places for works of one kind. */
type Lane = {
  long: boolean;
  open: Open[];
  places: Place[];
  accepting: number;
  /** Works that wait. */
  waiting: number;
  favored: Favored | null;
  /** Room ahead was offered, or must not be. */
  aheadPlaced: boolean;
};

class Planner {
  readonly plan: Plan = {
    pieces: [],
    newExecutors: [],
    leases: [],
    leftOver: false,
    apartWaits: false,
  };
  /** Of the limit, what nobody holds. */
  private left: number;
  /**
   * After the limit was lowered, one executor may run more than its width. Then of
   * what is free elsewhere only so much may be used as is left beside everything
   * that runs.
   */
  private readonly over: boolean;
  private budget: number;
  private inAll: number;
  private readonly ordinary: Lane;
  private readonly longs: Lane;

  constructor(
    private readonly limit: number,
    private readonly caps: Caps,
    executors: readonly ExecutorView[],
    entries: readonly WaitingEntry[],
    private readonly asked: Asked,
  ) {
    const rest = unleased(limit, executors);
    this.left = Math.max(0, rest);
    this.over = rest < 0;
    this.budget = this.over
      ? executors.reduce((sum, each) => sum - runningAtMost(each), limit)
      : Infinity;
    this.inAll = executors.length;
    const { favored } = asked;
    const open = executors.filter(({ closing }) => !closing);
    const laneOf = (long: boolean): Lane => {
      const own = open
        .filter((each) => each.long === long)
        .sort((a, b) => freeSlots(b) - freeSlots(a))
        .map((view) => ({ view, width: leaseOf(view), placed: 0 }));
      return {
        long,
        open: own,
        places: own.map(({ view }) => ({
          target: { kind: "executor", id: view.id },
          free: freeSlots(view),
          ahead: false,
        })),
        // Of short works, one that takes nothing further counts until it is over.
        accepting: executors.filter(
          (each) => each.long === long && !each.drains,
        ).length,
        waiting: entries.reduce(
          (sum, { kind, works }) =>
            (kind === "long") === long ? sum + works : sum,
          0,
        ),
        favored: own.some(({ view }) => view.id === favored?.id)
          ? favored
          : null,
        aheadPlaced: false,
      };
    };
    this.ordinary = laneOf(false);
    this.longs = laneOf(true);
  }

  /** Isolated works first: they have waited longest. Each entry gets an executor of its own. */
  placeIsolated(entry: WaitingEntry): void {
    if (this.inAll + KEPT_FROM_ISOLATED >= this.caps.inAll || this.over) {
      this.plan.apartWaits = true;
      return;
    }
    this.reclaim(entry.works, [this.ordinary, this.longs]);
    const works = Math.min(entry.works, this.left);
    if (works < entry.works) this.waitApart();
    if (works < 1) return;
    this.assign(entry, works, this.startNew(works, { isolated: true }));
  }

  /** @returns whether all of it found a place. */
  place(entry: WaitingEntry): boolean {
    const lane = entry.kind === "long" ? this.longs : this.ordinary;
    let works = entry.works;
    while (works > 0) {
      const found = this.budget > 0 ? this.nextPlace(lane) : null;
      if (!found) {
        if (lane.long) this.waitApart();
        else this.plan.leftOver = true;
        return false;
      }
      const count = Math.min(works, found.free, this.budget);
      found.free -= count;
      this.budget -= count;
      works -= count;
      lane.waiting -= count;
      this.assign(entry, count, found.target);
    }
    return true;
  }

  private assign(entry: WaitingEntry, works: number, target: Target): void {
    this.plan.pieces.push({ entryId: entry.id, works, target });
    if (target.kind === "new") return;
    const open = this.openOf(target.id);
    if (open) open.placed += works;
  }

  private openOf(id: string): Open | undefined {
    return [...this.ordinary.open, ...this.longs.open].find(
      ({ view }) => view.id === id,
    );
  }

  /** They need a slot: whoever works ahead shall come to an end. */
  private waitApart(): void {
    this.plan.apartWaits = true;
    this.ordinary.aheadPlaced = true;
  }

  /** The next place, in this order: free slots, a wider favored one, a new executor, a wider one, room ahead. */
  private nextPlace(lane: Lane): Place | null {
    for (;;) {
      while (lane.places[0]?.free === 0) lane.places.shift();
      if (lane.places[0]) return lane.places[0];
      const other = lane.long ? this.ordinary : this.longs;
      if (this.left < 1 && this.canUse(lane, freeOf(other))) {
        this.reclaim(lane.waiting, [other]);
      }
      if (this.widenFavored(lane)) continue;
      if (this.startInLane(lane)) continue;
      if (this.widenAny(lane)) continue;
      if (lane.aheadPlaced || this.over) return null;
      lane.aheadPlaced = true;
      lane.places = shares(
        lane.open.map(({ view, width, placed }) => ({
          target: { kind: "executor", id: view.id },
          room: roomAhead({
            ...view,
            // What runs under an older, wider lease is counted, and gives no right to more.
            width: width > leaseOf(view) ? width : Math.min(width, view.width),
            peak: view.peak > view.width ? view.peak : width,
            inFlight: view.inFlight + placed,
          }),
        })),
      );
    }
  }

  private widenFavored(lane: Lane): boolean {
    const { favored } = lane;
    if (!favored || this.left < 1) return false;
    lane.favored = null;
    const open = lane.open.find(({ view }) => view.id === favored.id)!;
    return this.widen(lane, open, favored.width - open.width);
  }

  private widenAny(lane: Lane): boolean {
    const open = lane.open.find(({ view }) => !view.asleep);
    return open !== undefined && this.widen(lane, open, this.left);
  }

  private widen(lane: Lane, open: Open, most: number): boolean {
    const by = Math.min(this.left, most);
    if (by <= 0) return false;
    // What was handed over ahead takes the new slots first.
    const ahead = Math.max(0, open.view.inFlight + open.placed - open.width);
    this.setWidth(open, open.width + by);
    this.left -= by;
    lane.places.push({
      target: { kind: "executor", id: open.view.id },
      free: Math.max(0, by - ahead),
      ahead: false,
    });
    return true;
  }

  private setWidth(open: Open, width: number): void {
    open.width = width;
    const { id } = open.view;
    const before = this.plan.leases.find((each) => each.id === id);
    if (before) before.width = width;
    else this.plan.leases.push({ id, width });
  }

  private startInLane(lane: Lane): boolean {
    const slots = this.executorSlots(lane);
    if (slots < 1 || this.left < 1) return false;
    const width = widthOfNew(this.limit, this.left, slots, this.caps);
    const target = this.startNew(width, { long: lane.long });
    lane.accepting += 1;
    lane.places.push({ target, free: width, ahead: false });
    return true;
  }

  private startNew(
    width: number,
    { isolated = false, long = false },
  ): Extract<Target, { kind: "new" }> {
    const index = this.plan.newExecutors.length;
    this.inAll += 1;
    this.left -= width;
    this.plan.newExecutors.push({
      width,
      isolated,
      long,
      listener: !isolated && !long && this.inAll === this.caps.inAll,
    });
    return { kind: "new", index };
  }

  /** Whether it could do anything with so many slots of another. */
  private canUse(lane: Lane, slots: number): boolean {
    return (
      this.executorSlots(lane, this.left + slots) > 0 ||
      lane.open.some(({ view }) => !view.asleep)
    );
  }

  /** How many executors may be started for works of this kind, if so much of the limit is nobody's. */
  private executorSlots(lane: Lane, left = this.left): number {
    const kept = lane.long ? KEPT_FROM_LONG : 0;
    const inAll = this.caps.inAll - kept - this.inAll;
    const accepting = this.caps.accepting - lane.accepting;
    // All that accept sleep, and there is much that they cannot be given.
    const asleep = lane.open.every(({ view }) => view.asleep);
    const much = this.asked.impatient
      ? 1
      : Math.min(MIN_WIDTH, Math.ceil(this.limit / MUCH));
    const least = asleep && left >= much ? 1 : 0;
    return Math.max(0, Math.min(inAll, Math.max(accepting, least)));
  }

  /** Takes up to `wanted` free slots from open executors of these kinds, until so many are left over. */
  private reclaim(wanted: number, lanes: readonly Lane[]): void {
    if (this.over) return;
    for (const lane of lanes) {
      for (const open of lane.open) {
        const { id } = open.view;
        const place = lane.places.find(
          ({ target, ahead }) =>
            !ahead && target.kind === "executor" && target.id === id,
        );
        const taken = Math.min(wanted - this.left, place?.free ?? 0);
        if (taken <= 0) continue;
        place!.free -= taken;
        this.left += taken;
        this.setWidth(open, open.width - taken);
      }
    }
  }
}

/** Slots of open executors in which nothing runs. */
function freeOf({ places }: Lane): number {
  return places.reduce((sum, each) => sum + (each.ahead ? 0 : each.free), 0);
}

/** Room ahead goes round in small shares: what waits is spread, however little it is. */
function shares(rooms: readonly { target: Target; room: number }[]): Place[] {
  const places: Place[] = [];
  let left = rooms.filter(({ room }) => room > 0).map((each) => ({ ...each }));
  while (left.length > 0) {
    for (const each of left) {
      const free = Math.min(each.room, AHEAD_SHARE);
      places.push({ target: each.target, free, ahead: true });
      each.room -= free;
    }
    left = left.filter(({ room }) => room > 0);
  }
  return places;
}
