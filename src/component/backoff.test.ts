import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cappedBackoffMs, MAX_BACKOFF_MS, retryBackoffMs } from "./backoff.js";
import { DEFAULT_RETRY_BEHAVIOR } from "./shared.js";

/** The middle of the range: what a wait is on average. */
const MEAN = 0.5;
const aRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("a retry", () => {
  test("waits on average what the behaviour says, longer each time", () => {
    const waits = [1, 2, 3, 4].map((ended) =>
      retryBackoffMs(DEFAULT_RETRY_BEHAVIOR, ended, MEAN),
    );
    expect(waits).toEqual([250, 500, 1000, 2000]);
  });

  test("waits between half and one and a half of that", () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.double({ min: 1, max: 4, noNaN: true }),
        fc.integer({ min: 1, max: 20 }),
        aRandom,
        (initialBackoffMs, base, ended, random) => {
          const behavior = { maxAttempts: 30, initialBackoffMs, base };
          const mean = retryBackoffMs(behavior, ended, MEAN);
          const wait = retryBackoffMs(behavior, ended, random);
          expect(wait).toBeGreaterThanOrEqual(mean / 2);
          expect(wait).toBeLessThanOrEqual(MAX_BACKOFF_MS);
          if (mean < MAX_BACKOFF_MS) {
            expect(wait).toBeLessThanOrEqual(mean * 1.5);
          }
        },
      ),
    );
  });

  test("never waits forever, however often the base was multiplied", () => {
    const behavior = { maxAttempts: 1e6, initialBackoffMs: 1000, base: 10 };
    const [soonest, latest] = [0, 1 - Number.EPSILON].map((random) =>
      retryBackoffMs(behavior, 1e6, random),
    );
    expect(latest).toBeLessThanOrEqual(MAX_BACKOFF_MS);
    // Those that have reached the longest wait come back apart, too.
    expect(soonest).toBeLessThan(latest! / 2);
  });

  test("comes at once where no backoff is wanted", () => {
    const behavior = { maxAttempts: 3, initialBackoffMs: 0, base: 2 };
    expect(retryBackoffMs(behavior, 2, 0.9)).toBe(0);
    const steep = { maxAttempts: 9, initialBackoffMs: 0, base: 1e308 };
    expect(retryBackoffMs(steep, 8, 0.9)).toBe(0);
  });

  test("of works that failed together come back apart", () => {
    const at = (random: number) =>
      retryBackoffMs(DEFAULT_RETRY_BEHAVIOR, 1, random);
    expect(at(0.1)).not.toBe(at(0.9));
  });
});

describe("a wait of the pool itself", () => {
  test("doubles up to its maximum", () => {
    const waits = (random: number) =>
      [0, 1, 2, 3, 4, 50].map((failures) =>
        cappedBackoffMs(100, 600, failures, random),
      );
    expect(waits(MEAN)).toEqual([100, 100, 200, 400, 400, 400]);
    expect(waits(1)).toEqual([150, 150, 300, 600, 600, 600]);
  });
});

describe("a retry with growing waits", () => {
  const behavior = { maxAttempts: 9, initialBackoffMs: 1_000, base: 2 };

  test("waits no longer than its bound, jitter included", () => {
    const bounded = { ...behavior, maxBackoffMs: 3_000 };
    for (const random of [0, 0.5, 0.999]) {
      expect(retryBackoffMs(bounded, 9, random)).toBeLessThanOrEqual(3_000);
    }
    // Spread evenly below it, and not all at the bound.
    expect(retryBackoffMs(bounded, 9, 0)).toBe(1_000);
    expect(retryBackoffMs(bounded, 1, MEAN)).toBe(1_000);
  });

  test.each([
    [0, 1_000, 1_000],
    [0.1, 900, 1_100],
    [1, 0, 2_000],
  ])("is spread as far as jitter %d says", (jitter, least, most) => {
    const spread = { ...behavior, jitter };
    expect(retryBackoffMs(spread, 1, 0)).toBeCloseTo(least);
    expect(retryBackoffMs(spread, 1, MEAN)).toBeCloseTo(1_000);
    expect(retryBackoffMs(spread, 1, 1 - 1e-9)).toBeCloseTo(most);
  });
});

describe("a retry with a list of waits", () => {
  const intervals = { maxAttempts: 9, intervalsMs: [10, 60_000, 5] };

  test("waits exactly as long as the list says, and then as the last of it", () => {
    const waits = [1, 2, 3, 4, 8].map((ended) =>
      retryBackoffMs(intervals, ended, 0.1),
    );
    expect(waits).toEqual([10, 60_000, 5, 5, 5]);
  });

  test("is spread where it asks for that", () => {
    const spread = { ...intervals, jitter: 0.5 };
    expect(retryBackoffMs(spread, 2, 0)).toBe(30_000);
    expect(retryBackoffMs(spread, 2, MEAN)).toBe(60_000);
  });
});
