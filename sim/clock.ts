/** Time in a simulation: what passes, and what clocks show. */
import { VirtualClock } from "../embedded/src/clock.js";
import type { Randomness, Timer } from "../embedded/src/seams.js";

/**
 * A virtual clock whose timers come a little late, by an amount drawn from a
 * seed. Every function waits on the clock at each of its operations, so each
 * seed is another interleaving of everything that runs at the same time.
 *
 * What it shows can part from what passes: it can be set forward, and it can
 * stand still, while timers go on by what passes.
 */
export class RestlessClock extends VirtualClock {
  private aheadNs = 0n;
  private stoppedAtNs: bigint | null = null;

  constructor(
    startMs: number,
    private readonly randomness: Randomness,
    /** How late the next timer comes at most, in milliseconds. */
    private readonly jitterMs: () => number,
  ) {
    super(startMs);
  }

  override schedule(ms: number, fn: () => void): Timer {
    return super.schedule(
      Math.max(0, ms) + this.randomness.next() * this.jitterMs(),
      fn,
    );
  }

  override nowNs(): bigint {
    return this.stoppedAtNs ?? super.nowNs() + this.aheadNs;
  }

  override now(): number {
    return Number(this.nowNs()) / 1e6;
  }

  /** Milliseconds that have passed, whatever it shows. */
  get elapsed(): number {
    return super.now();
  }

  setForward(ms: number): void {
    this.aheadNs += BigInt(Math.round(ms * 1e6));
  }

  /** Shows the same time until it is resumed. */
  stop(): void {
    this.stoppedAtNs ??= this.nowNs();
  }

  /** Shows the right time again. */
  resume(): void {
    this.stoppedAtNs = null;
  }
}
