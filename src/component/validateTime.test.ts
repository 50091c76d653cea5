import { describe, expect, test } from "vitest";
import {
  checkExpireAt,
  checkOnTimeout,
  checkRetryBehavior,
  MAX_DELAY_MS,
  resolveExpireAt,
} from "./validateTime.js";

const NOW = 1_700_000_000_000;
const backoff = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
const intervals = { maxAttempts: 3, intervalsMs: [100, 200] };

describe("a retry policy", () => {
  test.each([
    [{ ...backoff, maxBackoffMs: 0, jitter: 0, maxElapsedMs: 0 }],
    [{ ...backoff, jitter: 1 }],
    [{ ...intervals, jitter: 0.5, maxElapsedMs: 1e9 }],
    [{ ...intervals, base: undefined, initialBackoffMs: undefined }],
  ])("%j is taken", (retry) => {
    expect(() => checkRetryBehavior(retry as never)).not.toThrow();
  });

  test.each([
    [
      { ...backoff, jitter: 1.5 },
      "retry.jitter must be a number from 0 to 1, not 1.5.",
    ],
    [
      { ...backoff, jitter: "0.5" },
      'retry.jitter must be a number from 0 to 1, not "0.5".',
    ],
    [
      { ...backoff, maxBackoffMs: -1 },
      "retry.maxBackoffMs must be a number of milliseconds from 0 to",
    ],
    [
      { ...backoff, maxElapsedMs: NaN },
      "retry.maxElapsedMs must be a finite number of milliseconds of at least 0, not NaN.",
    ],
    [{ ...backoff, maxBackof: 3 }, 'Did you mean "maxBackoffMs"?'],
    [
      { ...backoff, intervalsMs: [1] },
      "Give retry.intervalsMs or retry.initialBackoffMs, not both",
    ],
    [
      { ...intervals, maxBackoffMs: 1 },
      "Give retry.intervalsMs or retry.maxBackoffMs, not both",
    ],
    [
      { ...intervals, intervalsMs: [] },
      "retry.intervalsMs must be a list of 1 to 100 numbers",
    ],
    [
      // Holes.
      { ...intervals, intervalsMs: Array(2) },
      "retry.intervalsMs must be a list",
    ],
    [
      { ...intervals, intervalsMs: [1, -1] },
      "retry.intervalsMs must be a list",
    ],
    [
      { ...intervals, intervalsMs: Array(101).fill(1) },
      "retry.intervalsMs must be a list",
    ],
    [{ ...intervals, intervalsMs: 5 }, "retry.intervalsMs must be a list"],
    [
      { intervalsMs: [1] },
      "retry.maxAttempts must be an integer of at least 1, not undefined.",
    ],
  ])("%j is refused", (retry, message) => {
    expect(() => checkRetryBehavior(retry as never, "retry")).toThrow(message);
  });
});

test("what becomes of a slot is one of two words", () => {
  expect(() => checkOnTimeout("release")).not.toThrow();
  expect(() => checkOnTimeout("kill")).toThrow(
    'onTimeout must be one of "hold", "release", not "kill".',
  );
});

describe("when a work expires", () => {
  test.each([
    [{}, undefined],
    [{ expireAt: NOW + 5 }, NOW + 5],
    // It has expired already, which data may bring about.
    [{ expireAt: 0 }, 0],
    [{ expireAfter: 0 }, NOW],
    [{ expireAfter: MAX_DELAY_MS }, NOW + MAX_DELAY_MS],
  ])("%j is taken", (options, expected) => {
    expect(resolveExpireAt(options, NOW, NOW)).toBe(expected);
  });

  test.each([
    [
      { expireAt: 1, expireAfter: 1 },
      "Give expireAt or expireAfter, not both (expireAt: 1, expireAfter: 1).",
    ],
    [
      { expireAt: Infinity },
      "expireAt must be a finite number of milliseconds since 1970, at most four years ahead",
    ],
    [{ expireAt: NOW + MAX_DELAY_MS + 1 }, "expireAt must be"],
    [
      { expireAfter: -1 },
      "expireAfter must be a number of milliseconds from 0 to",
    ],
    [{ expireAfter: "1" }, "expireAfter must be a number of milliseconds"],
    [{ expireAfter: NaN }, "expireAfter must be a number of milliseconds"],
  ])("%j is refused", (options, message) => {
    expect(() => resolveExpireAt(options as never, NOW, NOW)).toThrow(message);
  });

  test("is never before it may start", () => {
    const runAt = NOW + 1_000;
    expect(() => checkExpireAt(runAt, runAt, NOW)).toThrow(
      `The work would expire (at ${runAt}) before it may start (at ${runAt})`,
    );
    expect(() => resolveExpireAt({ expireAfter: 10 }, runAt, NOW)).toThrow(
      "before it may start",
    );
    expect(() => checkExpireAt(runAt + 1, runAt, NOW)).not.toThrow();
  });
});
