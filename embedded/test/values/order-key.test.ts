import { compareValues, convexToJson, type Value } from "convex/values";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AFTER_PREFIX, orderKey, valueAt } from "../../src/values/index.js";
import { convexValue } from "./arbitrary.js";

const optional = fc.option(convexValue, { nil: undefined });

function keyOf(value: Value | undefined): string {
  return orderKey(value === undefined ? undefined : convexToJson(value));
}

function sign(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

describe("order keys", () => {
  test("compare as Convex compares the values", () => {
    fc.assert(
      fc.property(optional, optional, (a, b) => {
        expect(sign(keyOf(a), keyOf(b))).toBe(Math.sign(compareValues(a, b)));
      }),
      { numRuns: 3000 },
    );
  });

  test("of several values compare field by field when put behind each other", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(optional, optional), { minLength: 1, maxLength: 3 }),
        (pairs) => {
          const a = pairs.map(([left]) => keyOf(left)).join("");
          const b = pairs.map(([, right]) => keyOf(right)).join("");
          const firstDifference = pairs
            .map(([left, right]) => compareValues(left, right))
            .find((order) => order !== 0);
          expect(sign(a, b)).toBe(Math.sign(firstDifference ?? 0));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("of longer tuples lie between the prefix and what follows the prefix", () => {
    fc.assert(
      fc.property(optional, optional, optional, (prefix, next, other) => {
        const start = keyOf(prefix);
        const end = start + AFTER_PREFIX;
        const inside = start + keyOf(next);
        expect(start < inside && inside < end).toBe(true);
        const outside = keyOf(other);
        if (outside !== start) {
          expect(outside > end).toBe(outside > start);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("put types in Convex's order", () => {
    const ordered: (Value | undefined)[] = [
      undefined,
      null,
      -(2n ** 63n),
      -1n,
      0n,
      2n ** 63n - 1n,
      -Infinity,
      -1.5,
      -0,
      0,
      5e-324,
      Infinity,
      NaN,
      false,
      true,
      "",
      "\0",
      "a",
      "a\0",
      "a\0b",
      "b",
      "\uffff",
      "😀",
      new Uint8Array([]).buffer as ArrayBuffer,
      new Uint8Array([0]).buffer as ArrayBuffer,
      new Uint8Array([255]).buffer as ArrayBuffer,
      [],
      [null],
      [[], 1],
      {},
      { "": 1 },
      { a: 1 },
      { a: 1, b: 0 },
      { b: 0 },
    ];
    const keys = ordered.map(keyOf);
    expect([...keys].sort(sign)).toEqual(keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("sort a commit timestamp that is not known yet behind every real one", () => {
    const pending = orderKey({ $commitTs: null });
    expect(keyOf(2n ** 63n - 2n) < pending).toBe(true);
    expect(pending < keyOf(-Infinity)).toBe(true);
  });
});

describe("field paths", () => {
  test("lead into nested objects and end in undefined where nothing is", () => {
    const document = { a: { b: 1, c: null } };
    expect(valueAt(document, ["a", "b"])).toBe(1);
    expect(valueAt(document, ["a", "c"])).toBe(null);
    expect(valueAt(document, ["a", "x"])).toBe(undefined);
    expect(valueAt(document, ["a", "b", "c"])).toBe(undefined);
    expect(valueAt(document, ["toString"])).toBe(undefined);
  });
});
