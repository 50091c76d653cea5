/**
 * What there is room for begins soon, long before the watchdog would see to it. From the
 * time at which a work waits while slots are free, and no fault was felt, it begins
 * within {@link LONGEST_MS}; and most do much sooner.
 */
import type { Life, Lives, Pool } from "../corners/lives.js";
import type { Violate } from "./check.js";

/** A fifth of what the watchdog takes. */
const LONGEST_MS = 2_500;
/** Over all works of a history that had room. */
const MEAN_MS = 700;
/** Fewer say nothing about the mean. */
const MIN_COUNT = 10;

export interface PromptOptions {
  name: string;
  /** How many handlers may run, as far as this check is concerned. */
  ceiling: number;
  /** All latencies are multiplied by this. */
  pace: number;
  isCrowded: () => boolean;
  /** No fault was felt since, in time that passes. */
  calmSince: () => number;
  elapsed: () => number;
}

export class PromptCheck {
  /** Until then, something waited for a reason. */
  private noRoomUntil = 0;
  private count = 0;
  private sumMs = 0;
  private readonly pool: Pool;

  constructor(
    lives: Lives,
    private readonly violate: Violate,
    private readonly options: PromptOptions,
  ) {
    this.pool = lives.pool(options.name);
  }

  /** To be told before anything changes. */
  advance(): void {
    const { ceiling, isCrowded, elapsed } = this.options;
    const isFull = this.pool.running + this.pool.taken >= ceiling;
    if (isFull || isCrowded()) this.noRoomUntil = elapsed();
  }

  /** To be told before it counts as running. */
  began({ spec, waitsSince, lost }: Life): void {
    const { elapsed, calmSince, pace, name } = this.options;
    if (spec.runAfter > 0 || lost > 0) return;
    const since = Math.max(waitsSince, this.noRoomUntil);
    if (since < calmSince()) return;
    const ms = elapsed() - since;
    const slow = Math.max(1, pace);
    this.count += 1;
    this.sumMs += ms;
    if (ms > LONGEST_MS * slow) {
      this.violate(
        "a work waited though there was room",
        `${name}: ${spec.key} for ${Math.round(ms)} ms`,
      );
    }
  }

  end(): void {
    const mean = this.sumMs / Math.max(1, this.count);
    const most = MEAN_MS * Math.max(1, this.options.pace);
    if (this.count < MIN_COUNT || mean <= most) return;
    this.violate(
      "works wait for long though there is room",
      `${this.options.name}: ${this.count} works for ${Math.round(mean)} ms on average`,
    );
  }
}
