import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SECOND, SEGMENT_MS } from "../shared.js";
import {
  beginsAhead,
  bufferSize,
  COMPANY_MS,
  lowWater,
  Durations,
  MIN_SAMPLES,
  worksPerSlot,
} from "./ahead.js";

describe("before enough has ended, and for long works,", () => {
  test.each([null, SECOND, 60 * SECOND])(
    "nothing is fetched ahead (mean %s)",
    (mean) => {
      expect(bufferSize(10, mean)).toBe(0);
      expect(lowWater(10, mean)).toBe(0);
      expect(worksPerSlot(mean)).toBe(1);
    },
  );
});

describe("for short works", () => {
  test("the buffer lasts for a report's round trip and its wait for company", () => {
    const mean = 20;
    const width = 10;
    const lasts = (bufferSize(width, mean) / width) * mean;
    expect(lasts).toBeGreaterThan(COMPANY_MS);
    expect(lasts).toBeLessThan(2 * COMPANY_MS);
  });

  test("what is handed over lasts until the loop has looked again", () => {
    const mean = 20;
    const lasts = (worksPerSlot(mean) - 1) * mean;
    expect(lasts).toBeGreaterThan(2 * SEGMENT_MS + COMPANY_MS);
    expect(lasts).toBeLessThan(4 * SEGMENT_MS);
  });

  test("however short they are, memory is bounded", () => {
    for (const mean of [0, 0.001, 1]) {
      expect(bufferSize(1000, mean)).toBe(400);
      expect(lowWater(100_000, mean)).toBe(400);
      expect(worksPerSlot(mean)).toBe(64);
    }
  });

  test("more is kept the shorter they are, and a report waits only while there is some to spare", () => {
    const mean = fc.double({ min: 0, max: 2 * SECOND, noNaN: true });
    fc.assert(
      fc.property(fc.nat(500), mean, mean, (width, a, b) => {
        const [shorter, longer] = a < b ? [a, b] : [b, a];
        expect(bufferSize(width, shorter)).toBeGreaterThanOrEqual(
          bufferSize(width, longer),
        );
        expect(worksPerSlot(shorter)).toBeGreaterThanOrEqual(
          worksPerSlot(longer),
        );
        expect(lowWater(width, a)).toBeLessThanOrEqual(bufferSize(width, a));
        expect(worksPerSlot(a)).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});

/** After so many works of `ms` milliseconds each. */
function seen(count: number, ms: number): Durations {
  const durations = new Durations();
  for (let n = 0; n < count; n++) durations.add(ms);
  return durations;
}

describe("the mean", () => {
  test("is unknown until enough works have ended", () => {
    expect(seen(MIN_SAMPLES - 1, 40).mean).toBeNull();
    expect(seen(MIN_SAMPLES, 40).mean).toBeCloseTo(40);
  });

  test("stays within what was seen, and follows what runs now", () => {
    const durations = seen(50, 10);
    let mean = durations.mean!;
    for (let n = 0; n < 200; n++) {
      durations.add(3000);
      expect(durations.mean).toBeGreaterThanOrEqual(mean);
      expect(durations.mean).toBeLessThanOrEqual(3000);
      mean = durations.mean!;
    }
    expect(mean).toBeGreaterThan(2990);
  });

  test("is not thrown off by a single long work among short ones", () => {
    const durations = seen(50, 20);
    durations.add(400);
    expect(bufferSize(10, durations.mean)).toBeGreaterThan(0);
  });
});

describe("what may begin before the next report", () => {
  test("is one of long works, and as many as there are slots of shorter ones", () => {
    expect(beginsAhead(10, 60 * SECOND)).toBe(1);
    expect(beginsAhead(10, 80)).toBe(10);
    expect(beginsAhead(20, 40)).toBe(20);
  });

  test("is what keeps the slots busy for a round trip, of the shortest", () => {
    expect(beginsAhead(20, 10)).toBe(60);
    expect(beginsAhead(1, 10)).toBe(8);
  });
});
