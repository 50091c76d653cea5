import { expect, test } from "vitest";
import { begun, ended, endedLast, isOpen } from "./attempts.js";

const FAILED = { durationMs: 20, httpStatus: 503, error: "busy" };

test("an attempt is open from its beginning to its end", () => {
  const attempts = begun([], 1_000);
  expect(attempts).toEqual([{ startedAt: 1_000 }]);
  expect(attempts.every(isOpen)).toBe(true);
  expect(ended(attempts, 1, FAILED)).toEqual([{ startedAt: 1_000, ...FAILED }]);
  expect(ended(attempts, 1, FAILED).some(isOpen)).toBe(false);
});

test("an attempt that was lost is no longer open when the next begins", () => {
  const attempts = begun(begun([], 1_000), 5_000);
  expect(attempts).toEqual([
    { startedAt: 1_000, error: expect.stringContaining("not known") },
    { startedAt: 5_000 },
  ]);
});

test("what is known of an attempt is not overwritten", () => {
  const attempts = endedLast(begun([], 1_000), FAILED);
  expect(endedLast(attempts, { durationMs: 1, httpStatus: 200 })).toEqual(
    attempts,
  );
  expect(endedLast([], FAILED)).toEqual([]);
});
