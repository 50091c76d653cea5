import { expect, test } from "vitest";
import { ended, endedLast, isOpen, ofThisRound, openOne } from "./attempts.js";

const FAILED = { durationMs: 20, httpStatus: 503, error: "busy" };

test("an attempt is open from its beginning to its end", () => {
  const attempts = [{ startedAt: 1_000 }];
  expect(attempts.every(isOpen)).toBe(true);
  expect(openOne(attempts)).toEqual({ startedAt: 1_000 });
  expect(ended(attempts, 1, FAILED)).toEqual([{ startedAt: 1_000, ...FAILED }]);
  expect(ended(attempts, 1, FAILED).some(isOpen)).toBe(false);
});

test("attempts count anew when the delivery is redelivered", () => {
  const attempts = [{ startedAt: 1_000, ...FAILED }, { startedAt: 5_000 }];
  expect(ofThisRound({ attempts })).toEqual(attempts);
  const redeliveries = [{ at: 4_000, attemptsBefore: 1 }];
  expect(ofThisRound({ attempts, redeliveries })).toEqual([
    { startedAt: 5_000 },
  ]);
});

test("what is known of an attempt is not overwritten", () => {
  const attempts = endedLast([{ startedAt: 1_000 }], FAILED);
  expect(openOne(attempts)).toBeUndefined();
  expect(endedLast(attempts, { durationMs: 1, httpStatus: 200 })).toEqual(
    attempts,
  );
  expect(endedLast([], FAILED)).toEqual([]);
});
