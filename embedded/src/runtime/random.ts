/** A small seeded generator (sfc32): what queries and mutations see as randomness. */
import type { Randomness } from "../seams.js";

export class SeededGenerator {
  private readonly state: Uint32Array;

  constructor(seed: Uint8Array) {
    this.state = new Uint32Array(4);
    for (let i = 0; i < seed.length; i++) {
      const word = i % 4;
      this.state[word] = (this.state[word]! * 256 + seed[i]!) >>> 0;
    }
    // The first outputs still resemble the seed.
    for (let i = 0; i < 12; i++) this.uint32();
  }

  static from(randomness: Randomness): SeededGenerator {
    return new SeededGenerator(randomness.bytes(16));
  }

  /** A generator of its own for a nested call, derived from this one. */
  fork(): SeededGenerator {
    return new SeededGenerator(this.bytes(16));
  }

  private uint32(): number {
    const s = this.state;
    const sum = (s[0]! + s[1]! + s[3]!) >>> 0;
    s[3] = s[3]! + 1;
    s[0] = s[1]! ^ (s[1]! >>> 9);
    s[1] = s[2]! + (s[2]! << 3);
    s[2] = ((s[2]! << 21) | (s[2]! >>> 11)) + sum;
    return sum;
  }

  /** Uniform in [0, 1) with 53 random bits. */
  next(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 67_108_864 + low) / 9_007_199_254_740_992;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.uint32() & 0xff;
    return bytes;
  }
}
