/** What a seed decides, it decides through these. */
import { SeededRandomness } from "../embedded/src/clock.js";

export class Dice {
  private readonly randomness: SeededRandomness;

  /** Each purpose has its own, so that one more throw for one changes nothing for the others. */
  constructor(seed: number, purpose: number) {
    this.randomness = new SeededRandomness(seed * 31 + purpose);
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.randomness.next();
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Uniform in [from, to). */
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** An integer, both ends included. */
  integer(from: number, to: number): number {
    return Math.floor(this.between(from, to + 1));
  }

  /** Of the same order of magnitude as any other: small ones as often as large ones. */
  magnitude(from: number, to: number): number {
    return from * (to / from) ** this.next();
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)]!;
  }

  /** Each with its weight. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left =
      this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return entries.at(-1)![0];
  }

  /** A few of them, in their order. */
  some<T>(from: readonly T[], probability: number): T[] {
    return from.filter(() => this.chance(probability));
  }
}
