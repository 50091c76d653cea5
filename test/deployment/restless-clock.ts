import type { Randomness, Timer } from "../../embedded/src/seams.js";
import { VirtualClock } from "../../embedded/src/clock.js";

/**
 * A virtual clock whose timers come a little late, by an amount drawn from a
 * seed. Every function waits on the clock at each of its operations, so each
 * seed is another interleaving of everything that runs at the same time.
 */
export class RestlessClock extends VirtualClock {
  constructor(
    startMs: number,
    private readonly randomness: Randomness,
    /** How late at most, in milliseconds. */
    private readonly jitterMs: number,
  ) {
    super(startMs);
  }

  override schedule(ms: number, fn: () => void): Timer {
    return super.schedule(
      Math.max(0, ms) + this.randomness.next() * this.jitterMs,
      fn,
    );
  }
}
