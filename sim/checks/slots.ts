/**
 * No slot stands empty for long while works wait that could take it. What is charged
 * is an integral over time that passes: the smaller of the free slots and the works
 * that are due and were not begun, those included that an executor has only buffered.
 *
 * What is no fault of the pool's is left out:
 * - each start may cost a round trip, and each stretch of waiting an executor's start-up;
 * - works that declare more than 20 minutes wait for an executor of their own, and so
 *   do those that no open executor is young enough for;
 * - no further executor may be started, and those there are leave; of works in quarantine,
 *   one is kept;
 * - executors have as many bytes in memory as they may;
 * - a fault was not long ago: `goingOn.ts` looks after that;
 * - the pools together want more than the deployment's class allows, and have it; a single pool has no
 *   slots beyond its room in the class.
 */
import type { Lives, Pool } from "../corners/lives.js";
import type { Violate } from "./check.js";

/** A report's round trip, a segment of the loop, a report that waits to be shared. */
const PER_START_MS = 200;
/** An executor's start-up, or a slow turn, in each stretch. */
const PER_STRETCH_MS = 2_000;
/**
 * While all that accept work sleep, fewer than an eighth of the limit waits for up to five
 * seconds before another executor is started for it (`loop/room.ts`).
 */
const SHARE = 0.05;
/**
 * With room, something begins by then: a report that finds little room begins to mind after ten
 * seconds (`loop/planView.ts`), and the watchdog comes twelve after the last report.
 */
const STALL_MS = 23_000;
/** Of arguments and results, for each executor. */
const EXECUTOR_BYTES = 3_000_000;

export interface SlotsOptions {
  name: string;
  /** How many handlers may run, as far as this check is concerned. */
  ceiling: number;
  /** Whether slots are charged, or only a pool that stands still. */
  isCharged: boolean;
  /** Executors that may live at a time. */
  executorCap: number;
  /** All latencies are multiplied by this. */
  pace: number;
  executors: () => number;
  /** The pools together have every permit of the class, for actions or for scheduled functions. */
  isCrowded: () => boolean;
  /** No fault was felt since, in time that passes. */
  calmSince: () => number;
  elapsed: () => number;
  now: () => number;
}

export class SlotsCheck {
  private last: number;
  /** The stretch: works have been waiting since it began. */
  private stretchMs = 0;
  private idleMs = 0;
  private starts = 0;
  private roomMs = 0;
  private found = false;
  private readonly pool: Pool;

  constructor(
    lives: Lives,
    private readonly violate: Violate,
    private readonly options: SlotsOptions,
  ) {
    this.pool = lives.pool(options.name);
    this.last = options.elapsed();
  }

  /** To be told before anything changes. */
  advance(): void {
    const { elapsed, now, ceiling, calmSince } = this.options;
    const at = elapsed();
    const ms = at - this.last;
    this.last = at;
    if (ms <= 0 || this.found) return;
    const waiting = this.waitingAt(now() - ms);
    if (waiting === 0 || at - ms < calmSince()) {
      this.stretchMs = this.idleMs = this.starts = this.roomMs = 0;
      return;
    }
    if (this.isExcused()) {
      this.roomMs = 0;
      return;
    }
    const idle = Math.min(Math.max(0, ceiling - this.pool.running), waiting);
    this.stretchMs += ms;
    this.idleMs += ms * idle;
    this.roomMs = idle > 0 ? this.roomMs + ms : 0;
    this.judge(waiting);
  }

  started(): void {
    this.starts += 1;
    this.roomMs = 0;
  }

  /** Works in quarantine count where another executor may be started for them: one of all is kept from them. */
  private waitingAt(time: number): number {
    const { queue, quarantine, taken } = this.pool;
    const { executors, executorCap } = this.options;
    const apart = executors() + 1 < executorCap ? quarantine.dueAt(time) : 0;
    return queue.dueAt(time) + apart + taken;
  }

  private isExcused(): boolean {
    const executors = this.options.executors();
    const { heldBytes } = this.pool;
    return (
      executors >= this.options.executorCap ||
      this.options.isCrowded() ||
      (heldBytes > 0 && heldBytes >= EXECUTOR_BYTES * Math.max(1, executors))
    );
  }

  private judge(waiting: number): void {
    const { name, ceiling, isCharged, pace } = this.options;
    const slow = Math.max(1, pace);
    if (this.roomMs > STALL_MS * slow) {
      this.found = true;
      this.violate(
        "nothing begins though there is room",
        `${name}: ${this.pool.running} of ${ceiling} slots are taken, ${waiting} works wait (${this.pool.taken} of them have left the queue)`,
      );
    }
    if (!isCharged) return;
    const perSlot = (this.idleMs - this.starts * PER_START_MS * slow) / ceiling;
    const allowed = PER_STRETCH_MS * slow + SHARE * this.stretchMs;
    if (perSlot <= allowed) return;
    this.found = true;
    this.violate(
      "slots stand empty while works wait",
      `${name}: ${Math.round(perSlot)} ms of each of ${ceiling} slots within ${Math.round(this.stretchMs)} ms; now ${this.pool.running} are taken, ${waiting} works wait (${this.pool.taken} of them have left the queue)`,
    );
  }
}
