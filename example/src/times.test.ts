import { expect, test } from "vitest";
import { duration, when } from "./times.js";

const now = new Date(2026, 10, 24, 0, 30, 0).getTime();

test.each([
  ["the same day", new Date(2026, 10, 24, 0, 5, 9), "00:05:09"],
  [
    "half an hour ago, before midnight",
    new Date(2026, 10, 23, 23, 59, 59),
    "23 Nov, 23:59:59",
  ],
  ["another year", new Date(2025, 10, 24, 0, 5, 9), "24 Nov 2025, 00:05:09"],
])("%s", (_, date, expected) => {
  expect(when(date.getTime(), now)).toBe(expected);
});

test.each([
  [0, "0 ms"],
  [-3, "0 ms"],
  [85.4, "85 ms"],
  [1_250, "1.3 s"],
  [59_940, "59.9 s"],
  [59_960, "1 min 0 s"],
  [125_000, "2 min 5 s"],
])("%d milliseconds are %s", (ms, expected) => {
  expect(duration(ms)).toBe(expected);
});
