/**
 * Where works go: the room that executors have, or could have under the limit. Pure.
 *
 * There are two kinds of executors: for ordinary works, and for long ones (`executor/lifetime.ts`);
 * works in quarantine get an executor of their own. All share the limit. What an
 * executor has free is the loop's to give to another: it runs only what it is
 * handed. An executor that sleeps over long works is handed nothing.
 */
import { type Favored, Lane, type Place, type Target } from "./lane.js";
import {
  type Caps,
  type ExecutorView,
  MIN_WIDTH,
  runningAtMost,
  unleased,
  widthOfNew,
} from "./lease.js";
import type { WaitingEntry } from "./admit.js";

export type NewExecutor = {
  width: number;
  isolated: boolean;
  long: boolean;
  listener: boolean;
};

/** What a plan may be asked to do otherwise. */
export type Asked = {
  /** Widened before others are started. */
  favored: Favored | null;
  /** Nothing has moved for a while: no slot shall wait any longer for a report. */
  impatient: boolean;
  /** A report refills: reports come, and the next one takes what this one leaves. */
  refills: boolean;
};

/** So many works go there. */
type Taken = { target: Target; works: number };

/** Executor slots that ordinary works can count on, whoever else wants one. */
const KEPT_FROM_ISOLATED = 1;
const KEPT_FROM_LONG = 2;
/**
 * Beside others that report soon, one slot is not worth an executor: these would become
 * many, each of which every turn reads and the user pays for.
 */
const LEAST_WIDTH = 2;
/** Of the limit, an eighth is worth one more executor while all that accept work sleep. */
const MUCH = 8;

export class Room {
  readonly newExecutors: NewExecutor[] = [];
  /** Of the limit, what nobody holds. */
  private left: number;
  /**
   * After the limit was lowered, one executor may run more than its width. Then of
   * what is free elsewhere only so much may be used as is left beside everything
   * that runs.
   */
  private readonly over: boolean;
  private budget: number;
  /** How many executors there are, new ones included. */
  private inAll: number;
  private readonly ordinary: Lane;
  private readonly longs: Lane;

  /** @param waiting - How many works wait, of those that are not in quarantine. */
  constructor(
    private readonly limit: number,
    private readonly caps: Caps,
    executors: readonly ExecutorView[],
    waiting: { ordinary: number; long: number },
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
    this.ordinary = new Lane(false, executors, waiting.ordinary, favored);
    this.longs = new Lane(true, executors, waiting.long, favored);
  }

  /** Executors whose lease changes. */
  get leases(): { id: string; width: number }[] {
    return [...this.ordinary.leases, ...this.longs.leases].map(
      ([id, width]) => ({ id, width }),
    );
  }

  /**
   * Room for works of an entry of this kind, for `works` at most: at the next place, or in
   * an executor of their own. Null: there is none.
   */
  take(kind: WaitingEntry["kind"], works: number): Taken | null {
    if (kind === "isolated") return this.takeIsolated(works);
    const lane = kind === "long" ? this.longs : this.ordinary;
    const place = this.budget > 0 ? this.nextPlace(lane) : null;
    if (!place) {
      if (lane.long) this.ordinary.stopAhead();
      return null;
    }
    const count = Math.min(works, place.free, this.budget);
    lane.take(place, count);
    this.budget -= count;
    return { target: place.target, works: count };
  }

  /** An executor of their own for works in quarantine, as wide as slots can be found. */
  private takeIsolated(works: number): Taken | null {
    if (this.over || this.inAll + KEPT_FROM_ISOLATED >= this.caps.inAll) {
      return null;
    }
    this.reclaim(works, [this.ordinary, this.longs]);
    const width = Math.min(works, this.left);
    if (width < works) this.ordinary.stopAhead();
    if (width < 1) return null;
    return { target: this.startNew(width, { isolated: true }), works: width };
  }

  private nextPlace(lane: Lane): Place | null {
    for (;;) {
      const place = lane.next();
      if (place) return place;
      if (!this.makePlaces(lane)) return null;
    }
  }

  /**
   * Where free slots are used up. In this order: a wider favored executor, a new one, a
   * wider one, room ahead.
   *
   * @returns whether anything changed.
   */
  private makePlaces(lane: Lane): boolean {
    const other = lane.long ? this.ordinary : this.longs;
    if (this.left < 1 && this.canUse(lane, other.free)) {
      this.reclaim(lane.waiting, [other]);
    }
    return (
      this.spend(lane.widenFavored(this.left)) ||
      this.startIn(lane, this.left + other.free) ||
      this.spend(lane.widenAny(this.left)) ||
      (!this.over && lane.offerAhead())
    );
  }

  private spend(slots: number): boolean {
    this.left -= slots;
    return slots > 0;
  }

  /** @param unused - What could be had of the limit: of it, only what this lane needs was reclaimed. */
  private startIn(lane: Lane, unused: number): boolean {
    const slots = this.executorSlots(lane, unused);
    if (slots < 1 || this.left < 1) return false;
    const width = widthOfNew(this.limit, this.left, slots, this.caps);
    lane.addNew(this.startNew(width, { long: lane.long }), width);
    return true;
  }

  private startNew(width: number, { isolated = false, long = false }): Target {
    const index = this.newExecutors.length;
    this.inAll += 1;
    this.left -= width;
    this.newExecutors.push({
      width,
      isolated,
      long,
      listener: !isolated && !long && this.inAll === this.caps.inAll,
    });
    return { kind: "new", index };
  }

  /** Whether it could do anything with so many slots of another. */
  private canUse(lane: Lane, slots: number): boolean {
    return this.executorSlots(lane, this.left + slots) > 0 || lane.awake;
  }

  /** How many executors may be started for works of this kind, if so much of the limit can be had. */
  private executorSlots(lane: Lane, left: number): number {
    const { impatient, refills } = this.asked;
    const share = Math.ceil(this.limit / MUCH);
    const isLittle = left < LEAST_WIDTH && (lane.awake || left < share);
    if (refills && !impatient && isLittle && lane.isOpen) return 0;
    const kept = lane.long ? KEPT_FROM_LONG : 0;
    const inAll = this.caps.inAll - kept - this.inAll;
    const accepting = this.caps.accepting - lane.accepting;
    const much = impatient ? 1 : Math.min(MIN_WIDTH, share);
    // All that accept sleep, and there is much that they cannot be given.
    const least = !lane.awake && left >= much ? 1 : 0;
    return Math.max(0, Math.min(inAll, Math.max(accepting, least)));
  }

  /** Takes free slots from open executors of these kinds, until `wanted` are left over. */
  private reclaim(wanted: number, lanes: readonly Lane[]): void {
    if (this.over) return;
    for (const lane of lanes) this.left += lane.giveUp(wanted - this.left);
  }
}
