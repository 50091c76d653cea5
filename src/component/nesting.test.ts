import { getConvexSize } from "convex/values";
import { describe, expect, test } from "vitest";
import { deepAsText, fromText, isDeeperThan, storedSize } from "./nesting.js";

function nested(levels: number): unknown {
  let value: unknown = { int: 7n, float: NaN, bytes: new ArrayBuffer(3) };
  for (let level = 1; level < levels; level++) {
    value = level % 2 === 0 ? [value, 1] : { value, list: [] };
  }
  return value;
}

describe("the depth of a value", () => {
  test("is how many lists and objects are in each other", () => {
    for (const scalar of [null, undefined, 1, 7n, "x", true]) {
      expect(isDeeperThan(scalar, 0)).toBe(false);
    }
    expect(isDeeperThan(new ArrayBuffer(9), 0)).toBe(false);
    expect(isDeeperThan([], 0)).toBe(true);
    expect(isDeeperThan({}, 1)).toBe(false);
    for (const levels of [1, 2, 14, 50]) {
      expect(isDeeperThan(nested(levels), levels)).toBe(false);
      expect(isDeeperThan(nested(levels), levels - 1)).toBe(true);
    }
  });

  test("of what contains itself is beyond any limit", () => {
    const loop: { self?: unknown } = {};
    loop.self = [loop];
    expect(isDeeperThan(loop, 50)).toBe(true);
  });
});

describe("a value that is too deep for a row", () => {
  test("is text, and the same again", () => {
    expect(deepAsText(nested(14))).toBeNull();
    const text = deepAsText(nested(15))!;
    expect(fromText(text)).toEqual(nested(15));
    expect(storedSize(nested(15))).toBe(getConvexSize(text));
    expect(storedSize(nested(14))).toBe(getConvexSize(nested(14) as any));
  });
});
