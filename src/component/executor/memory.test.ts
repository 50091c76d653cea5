import { describe, expect, test } from "vitest";
import {
  MAX_RESULT_BYTES,
  mayBeginMore,
  ResultSizes,
  widthForResults,
} from "./memory.js";

describe("an executor whose results are large", () => {
  const mean = MAX_RESULT_BYTES / 10;

  test("begins no more works than it has memory for their results", () => {
    expect(mayBeginMore(8, mean, mean)).toBe(true);
    expect(mayBeginMore(9, mean, mean)).toBe(false);
  });

  test("begins nothing while results wait to be reported", () => {
    expect(mayBeginMore(0, MAX_RESULT_BYTES, mean)).toBe(false);
  });

  test("begins one in any case, when it has nothing else", () => {
    expect(mayBeginMore(0, 0, 10 * MAX_RESULT_BYTES)).toBe(true);
  });

  test("asks for no more works than it can begin", () => {
    expect(widthForResults(100, mean)).toBe(10);
    expect(widthForResults(100, 10 * MAX_RESULT_BYTES)).toBe(1);
    expect(widthForResults(100, 0)).toBe(100);
  });
});

test("the size of results follows what ended last", () => {
  const sizes = new ResultSizes();
  for (let i = 0; i < 50; i++) sizes.add(1_000);
  for (let i = 0; i < 100; i++) sizes.add(100_000);
  expect(sizes.mean).toBeGreaterThan(99_000);
});
