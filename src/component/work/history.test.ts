import { expect, test } from "vitest";
import { withAttempt } from "./history.js";

const attempt = (number: number, error = "no") => ({
  number,
  endedAt: 1_000 + number,
  error,
});

test("the last ten attempts are remembered, the oldest first", () => {
  let history = withAttempt({}, attempt(1));
  for (let n = 2; n <= 14; n++) history = withAttempt({ history }, attempt(n));
  expect(history.map(({ number }) => number)).toEqual([
    5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  ]);
});

test("an attempt of a later round is told from one of the first", () => {
  expect(withAttempt({}, attempt(1))[0]).not.toHaveProperty("round");
  const history = withAttempt({}, attempt(1));
  expect(withAttempt({ round: 1, history }, attempt(1))).toMatchObject([
    { number: 1 },
    { number: 1, round: 1 },
  ]);
});

test("a long error is cut, never within a character", () => {
  const [{ error } = { error: "" }] = withAttempt(
    {},
    attempt(1, `x${"😀".repeat(4_000)}`),
  );
  expect(error.length).toBeLessThanOrEqual(2_001);
  expect(error).not.toMatch(/\p{Surrogate}/u);
});
