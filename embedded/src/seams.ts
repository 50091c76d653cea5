/**
 * The two seams through which the outside world enters the deployment: time and
 * randomness. Serving uses the wall clock and the system's randomness; a
 * simulation passes a virtual clock and a seeded generator, and the same
 * program becomes deterministic. Nothing below `embedded/src` may call
 * `Date.now`, `setTimeout`, `setImmediate` or `Math.random` on its own (sockets'
 * keep-alive timers excepted: they do not change what is computed).
 */

/** A pending timer. `cancel` after it fired is a no-op. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch, possibly fractional. */
  now(): number;
  /** Nanoseconds since the epoch. Non-decreasing within a process. */
  nowNs(): bigint;
  /** Calls `fn` once, `ms` from now (at once, but never synchronously, for 0 or less). */
  schedule(ms: number, fn: () => void): Timer;
  /** Resolves `ms` from now. */
  sleep(ms: number): Promise<void>;
}

export interface Randomness {
  /** Uniform in [0, 1). */
  next(): number;
  bytes(length: number): Uint8Array;
}
