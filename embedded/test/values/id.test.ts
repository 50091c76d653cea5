import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeId, encodeId, tableNumberOf } from "../../src/values/index.js";

const tableNumbers = fc.oneof(
  fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  fc.constantFrom(1, 127, 128, 10_001, 16_383, 16_384, 2 ** 28, 2 ** 32 - 1),
);
const internals = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe("document ids", () => {
  test("say which table they belong to", () => {
    fc.assert(
      fc.property(tableNumbers, internals, (number, internal) => {
        const decoded = decodeId(encodeId(number, internal));
        expect(decoded.tableNumber).toBe(number);
        expect([...decoded.internal]).toEqual([...internal]);
      }),
    );
  });

  test("have 31 to 37 characters of the alphabet without i, l, o and u", () => {
    fc.assert(
      fc.property(tableNumbers, internals, (number, internal) => {
        expect(encodeId(number, internal)).toMatch(
          /^[0-9a-hjkmnp-tv-z]{31,37}$/,
        );
      }),
    );
  });

  test("that Convex itself gave out are understood", () => {
    // One that the import tests of convex-backend use.
    expect(decodeId("jd7f2yq3tcc5h4ce9qhqdk0ach6hbmyb").tableNumber).toBe(
      10_003,
    );
  });

  test("with one character changed are no ids", () => {
    fc.assert(
      fc.property(
        tableNumbers,
        internals,
        fc.nat(),
        fc.constantFrom(..."0123456789abcdefghjkmnpqrstvwxyz"),
        (number, internal, place, char) => {
          const id = encodeId(number, internal);
          const at = place % id.length;
          fc.pre(id[at] !== char);
          expect(tableNumberOf(id.slice(0, at) + char + id.slice(at + 1))).toBe(
            null,
          );
        },
      ),
    );
  });

  test.each([
    ["", "Invalid ID length 0"],
    ["hello", "Invalid ID length 5"],
    ["u".repeat(32), "ID wasn't valid base32"],
    ["A".repeat(32), "ID wasn't valid base32"],
    ["0".repeat(31), "Invalid table number"],
  ])("refuse %j", (text, reason) => {
    expect(() => decodeId(text)).toThrow(`Unable to decode ID: ${reason}`);
    expect(tableNumberOf(text)).toBe(null);
  });
});
