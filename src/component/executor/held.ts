/**
 * The attempts that an executor has: those that run, and those in its buffer, which begin
 * in the order of their positions. Plain data: `slots.ts` runs them.
 */
import type { Attempt } from "../loop/attempt.js";

export class Held {
  private readonly inSlots = new Map<number, Attempt>();
  private buffer: Attempt[] = [];
  /** Of what it was given so far: the first position beyond. */
  private nextPosition = 0;
  /** Nothing at or beyond this position begins before the next reply. */
  beginsBefore = Infinity;

  /** @param lastMoveAt - When an attempt last came, began or ended; at first, when it started. */
  constructor(public lastMoveAt: number) {}

  get running(): number {
    return this.inSlots.size;
  }

  get buffered(): number {
    return this.buffer.length;
  }

  get count(): number {
    return this.running + this.buffered;
  }

  /** Of the arguments. */
  get bytes(): number {
    return this.all().reduce((sum, { size }) => sum + size, 0);
  }

  get positions(): number[] {
    return this.all().map(({ position }) => position);
  }

  /** The first of the buffer. */
  get next(): Attempt | undefined {
    return this.buffer[0];
  }

  /** What lies before this position has begun or was given back; what lies from it on has not begun. */
  get firstNotBegun(): number {
    return this.next?.position ?? this.nextPosition;
  }

  add(attempts: readonly Attempt[], now: number): void {
    const last = attempts.at(-1);
    if (!last) return;
    this.buffer.push(...attempts);
    this.nextPosition = Math.max(this.nextPosition, last.position + 1);
    this.lastMoveAt = now;
  }

  /** Takes the first out of the buffer. */
  takeNext(): Attempt | undefined {
    return this.buffer.shift();
  }

  begin(attempt: Attempt, now: number): void {
    this.inSlots.set(attempt.position, attempt);
    this.lastMoveAt = now;
  }

  end(attempt: Attempt, now: number): void {
    this.inSlots.delete(attempt.position);
    this.lastMoveAt = now;
  }

  /** Takes all but the first `keep` out of the buffer. */
  takeBuffer(keep: number): Attempt[] {
    return this.buffer.splice(keep);
  }

  private all(): Attempt[] {
    return [...this.inSlots.values(), ...this.buffer];
  }
}
