import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  callbackWaitMs,
  isGivenUp,
  MAX_CALLBACK_ATTEMPTS,
} from "./callbackSchedule.js";
import { MINUTE, SECOND } from "../shared.js";

/** The middle of the range: what a wait is on average. */
const MEAN = 0.5;
const aRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** From the first failure to the last try, given what the dice say before each. */
function triedFor(dice: readonly number[], from = 1): number {
  let ms = 0;
  for (let failures = from; failures < MAX_CALLBACK_ATTEMPTS; failures++) {
    ms += callbackWaitMs(failures, dice[failures - 1]!);
  }
  return ms;
}
const someDice = (one: number) =>
  Array.from({ length: MAX_CALLBACK_ATTEMPTS }, () => one);

describe("a callback that fails", () => {
  test("is tried for half an hour", () => {
    expect(Math.round(triedFor(someDice(MEAN)) / MINUTE)).toBe(30);
  });

  test("is tried for between 25 and 35 minutes, whatever the dice say", () => {
    const rolls = fc.array(aRandom, {
      minLength: MAX_CALLBACK_ATTEMPTS,
      maxLength: MAX_CALLBACK_ATTEMPTS,
    });
    const isInRange = (dice: readonly number[], from?: number) => {
      const minutes = triedFor(dice, from) / MINUTE;
      expect(minutes).toBeGreaterThan(25);
      expect(minutes).toBeLessThan(35);
    };
    // After a failure in the outcome's own transaction it is tried again at once.
    for (const from of [1, 2]) {
      for (const one of [0, 1]) isInRange(someDice(one), from);
      fc.assert(fc.property(rolls, (dice) => isInRange(dice, from)));
    }
  });

  test("waits longer each time, up to seven minutes", () => {
    const waits = someDice(MEAN)
      .slice(1)
      .map((random, index) => callbackWaitMs(index + 1, random) / SECOND);
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 420, 420, 420]);
  });

  test("is given up after its last try", () => {
    const lasted = 30 * MINUTE;
    expect(isGivenUp(MAX_CALLBACK_ATTEMPTS - 1, lasted)).toBe(false);
    expect(isGivenUp(MAX_CALLBACK_ATTEMPTS, lasted)).toBe(true);
  });

  test("is not given up sooner, however often it was tried", () => {
    expect(isGivenUp(1000, 24 * MINUTE)).toBe(false);
    expect(isGivenUp(1000, 25 * MINUTE)).toBe(true);
  });
});
