/**
 * The implementations of the seams: the machine's clock and randomness for serving,
 * a clock that only moves when told and a seeded generator for simulation.
 */
import { randomBytes } from "node:crypto";
import type { Clock, Randomness, Timer } from "./seams.js";

/** Beyond this the machine slept or its clock was set, and we follow it. */
const RESYNC_AFTER_MS = 1000;
/** setTimeout cannot wait longer: it would fire at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's time, with the resolution of its monotonic timer. */
export class WallClock implements Clock {
  private offset = WallClock.measuredOffset();
  private last = 0n;

  private static measuredOffset(): bigint {
    return BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  }

  now(): number {
    return Number(this.nowNs()) / 1e6;
  }

  nowNs(): bigint {
    let now = process.hrtime.bigint() + this.offset;
    if (Math.abs(Number(now) / 1e6 - Date.now()) > RESYNC_AFTER_MS) {
      this.offset = WallClock.measuredOffset();
      now = process.hrtime.bigint() + this.offset;
    }
    if (now > this.last) this.last = now;
    return this.last;
  }

  schedule(ms: number, fn: () => void): Timer {
    if (ms > LONGEST_TIMEOUT_MS) {
      let rest = this.schedule(LONGEST_TIMEOUT_MS, () => {
        rest = this.schedule(ms - LONGEST_TIMEOUT_MS, fn);
      });
      return { cancel: () => rest.cancel() };
    }
    if (ms <= 0) {
      // setTimeout never waits less than a millisecond.
      const immediate = setImmediate(fn);
      return { cancel: () => clearImmediate(immediate) };
    }
    const timeout = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timeout) };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.schedule(ms, resolve));
  }
}

interface VirtualTimer {
  dueNs: bigint;
  order: number;
  fn: () => void;
  canceled: boolean;
}

/**
 * Time that stands still until {@link advance} or {@link runUntilIdle} moves it. Timers
 * fire in the order of their due time, those of the same time in the order in which
 * they were set, and everything a timer started by promises settles before the next.
 */
export class VirtualClock implements Clock {
  private currentNs: bigint;
  private order = 0;
  private readonly timers: VirtualTimer[] = [];

  /** @param settle resolves once nothing can go on without another timer. */
  constructor(
    startMs = Date.UTC(2025, 0, 1),
    private readonly settle: () => Promise<void> = () =>
      new Promise((resolve) => setImmediate(resolve)),
  ) {
    this.currentNs = toNs(startMs);
  }

  now(): number {
    return Number(this.currentNs) / 1e6;
  }

  nowNs(): bigint {
    return this.currentNs;
  }

  schedule(ms: number, fn: () => void): Timer {
    const timer: VirtualTimer = {
      dueNs: this.currentNs + toNs(Math.max(0, ms)),
      order: this.order++,
      fn,
      canceled: false,
    };
    this.push(timer);
    return { cancel: () => void (timer.canceled = true) };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.schedule(ms, resolve));
  }

  /** Fires everything due within the next `ms`, and ends exactly that much later. */
  async advance(ms: number): Promise<void> {
    const until = this.currentNs + toNs(ms);
    await this.settle();
    while (await this.fireNext(until));
    this.currentNs = until;
  }

  /**
   * Fires timers until none is left, `done` says so, or the next one lies more than
   * `maxMs` ahead. Returns how many fired.
   */
  async runUntilIdle(
    options: { maxMs?: number; done?: () => boolean } = {},
  ): Promise<number> {
    const until =
      options.maxMs === undefined ? null : this.currentNs + toNs(options.maxMs);
    let fired = 0;
    await this.settle();
    while (!options.done?.() && (await this.fireNext(until))) fired++;
    return fired;
  }

  /** Timers set and neither fired nor canceled. */
  get pendingTimers(): number {
    return this.timers.filter((timer) => !timer.canceled).length;
  }

  private async fireNext(until: bigint | null): Promise<boolean> {
    while (this.timers[0]?.canceled) this.pop();
    const next = this.timers[0];
    if (next === undefined || (until !== null && next.dueNs > until)) {
      return false;
    }
    this.pop();
    if (next.dueNs > this.currentNs) this.currentNs = next.dueNs;
    next.fn();
    await this.settle();
    return true;
  }

  private before(a: number, b: number): boolean {
    const left = this.timers[a]!;
    const right = this.timers[b]!;
    return left.dueNs === right.dueNs
      ? left.order < right.order
      : left.dueNs < right.dueNs;
  }

  private swap(a: number, b: number): void {
    const kept = this.timers[a]!;
    this.timers[a] = this.timers[b]!;
    this.timers[b] = kept;
  }

  private push(timer: VirtualTimer): void {
    let child = this.timers.push(timer) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.before(child, parent)) break;
      this.swap(child, parent);
      child = parent;
    }
  }

  private pop(): void {
    const last = this.timers.pop()!;
    if (this.timers.length === 0) return;
    this.timers[0] = last;
    let parent = 0;
    for (;;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < this.timers.length && this.before(child, least)) {
          least = child;
        }
      }
      if (least === parent) return;
      this.swap(parent, least);
      parent = least;
    }
  }
}

function toNs(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}

/** A process's view of the time: after its death nothing it waited for happens. */
export class MortalClock implements Clock {
  #isAlive = true;

  constructor(private readonly clock: Clock) {}

  get isAlive(): boolean {
    return this.#isAlive;
  }

  die(): void {
    this.#isAlive = false;
  }

  now(): number {
    return this.clock.now();
  }

  nowNs(): bigint {
    return this.clock.nowNs();
  }

  schedule(ms: number, fn: () => void): Timer {
    return this.clock.schedule(ms, () => {
      if (this.isAlive) fn();
    });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.schedule(ms, resolve));
  }
}

export class SystemRandomness implements Randomness {
  next(): number {
    const bits = randomBytes(8).readBigUInt64BE() >> 11n;
    return Number(bits) / 2 ** 53;
  }

  bytes(length: number): Uint8Array {
    return randomBytes(length);
  }
}

/** The same numbers for the same seed, for ever (splitmix32). */
export class SeededRandomness implements Randomness {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  next(): number {
    return ((this.word() >>> 5) * 2 ** 26 + (this.word() >>> 6)) / 2 ** 53;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const word = this.word();
      for (let j = 0; j < 4 && i + j < length; j++) {
        bytes[i + j] = word >>> (8 * j);
      }
    }
    return bytes;
  }

  private word(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let mixed = this.state ^ (this.state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }
}
