/** Random decisions that a seed repeats. */
import { SeededRandomness } from "../../embedded/src/clock.js";

export class Moments {
  private readonly randomness: SeededRandomness;

  constructor(readonly seed: number) {
    this.randomness = new SeededRandomness(seed);
  }

  /** From the environment, else a new one; said aloud, so that a failure can be repeated. */
  static announced(test: string): Moments {
    const given = process.env.CRASH_SEED;
    const seed =
      given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
    if (!Number.isSafeInteger(seed)) {
      throw new Error(`CRASH_SEED must be an integer, not "${given}".`);
    }
    console.log(
      `${test}: seed ${seed}; CRASH_SEED=${seed} npm run test:crash draws the same moments`,
    );
    return new Moments(seed);
  }

  /** An integer from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.randomness.next() * count);
  }

  chance(probability: number): boolean {
    return this.randomness.next() < probability;
  }

  /** From 1 to `most`, small ones as likely as large ones. */
  scale(most: number): number {
    return Math.round(most ** this.randomness.next());
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}
