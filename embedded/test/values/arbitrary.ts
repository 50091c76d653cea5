/** Random Convex values, biased towards what is hard to order. */
import fc from "fast-check";
import type { Value } from "convex/values";

const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, Number.MIN_VALUE),
);

const strings = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.string({
    unit: fc.constantFrom("\0", "\x01", "\x7f", "ÿ", "a"),
    maxLength: 5,
  }),
  fc.constantFrom("", "\uffff", "😀", "é", "a\0b", "a"),
);

const fields = fc.oneof(
  fc.constantFrom("a", "b", "ab", "B", ""),
  fc.stringMatching(/^[a-zA-Z_ -]{0,4}$/),
);

export const convexValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constant(null),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -300n, max: 300n }),
      numbers,
      fc.boolean(),
      strings,
      fc
        .uint8Array({ maxLength: 5 })
        .map((bytes) => Uint8Array.from(bytes).buffer as ArrayBuffer),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fields, tie("value"), { maxKeys: 3 }),
    ),
  }),
).value;
