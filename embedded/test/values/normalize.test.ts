import {
  convexToJson,
  getConvexSize,
  jsonToConvex,
  type JSONValue,
} from "convex/values";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { convexSize, normalizeValue } from "../../src/values/index.js";
import { convexValue } from "./arbitrary.js";

function nested(levels: number): JSONValue {
  return levels === 0 ? 1 : [nested(levels - 1)];
}

describe("normalized values", () => {
  test("are the same values, with the size that Convex counts", () => {
    fc.assert(
      fc.property(convexValue, (value) => {
        const json = convexToJson(value);
        const normalized = normalizeValue(json);
        expect(normalized.value).toEqual(json);
        expect(normalized.size).toBe(getConvexSize(value));
        expect(jsonToConvex(normalized.value)).toEqual(jsonToConvex(json));
      }),
      { numRuns: 1000 },
    );
  });

  test("have their fields in order and share nothing with the original", () => {
    const original = { b: [1], a: { z: 1, y: 2 } };
    const { value } = normalizeValue(original);
    expect(JSON.stringify(value)).toBe('{"a":{"y":2,"z":1},"b":[1]}');
    original.b.push(2);
    expect(value).toEqual({ b: [1], a: { z: 1, y: 2 } });
  });

  test("hold no half of a surrogate pair, as UTF-8 could not", () => {
    expect(normalizeValue("😀").value).toBe("😀");
    for (const broken of ["\ud83d", "\ude00\ud83d", "a\ude00"]) {
      expect(() => normalizeValue([broken])).toThrow("unpaired surrogate");
    }
  });

  test("keep a field called __proto__ as a field", () => {
    const { value } = normalizeValue(JSON.parse('{"__proto__":{"a":1}}'));
    expect(JSON.stringify(value)).toBe('{"__proto__":{"a":1}}');
  });

  test("count a commit timestamp as the int64 it will be, and say that it is pending", () => {
    expect(convexSize({ $commitTs: null })).toBe(convexSize(convexToJson(1n)));
    expect(normalizeValue({ at: { $commitTs: null } }).pending).toBe(true);
    expect(normalizeValue({ at: convexToJson(1n) }).pending).toBe(false);
  });

  test("know how deep they are", () => {
    expect(normalizeValue(1).nesting).toBe(0);
    expect(normalizeValue({ a: 1 }).nesting).toBe(1);
    expect(normalizeValue(nested(64)).nesting).toBe(64);
  });

  test.each<[string, JSONValue, string]>([
    [
      "too deep",
      nested(65),
      "Value is too nested (nested 65 levels deep > maximum nesting 64)",
    ],
    [
      "a long array",
      Array(8193).fill(0),
      "Array length is too long (8193 > maximum length 8192)",
    ],
    [
      "many fields",
      Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`f${i}`, 0])),
      "Object has too many fields (1025 > maximum number 1024)",
    ],
    [
      "a reserved field",
      { $a: 1 },
      "Field name $a starts with '$', which is reserved.",
    ],
    [
      "an accent in a field",
      { é: 1 },
      "Field name é has invalid character 'é': Field names can only contain non-control ASCII characters",
    ],
    [
      "a long field",
      { ["x".repeat(1025)]: 1 },
      "Field name is too long (1025 > maximum 1024)",
    ],
    ["a malformed integer", { $integer: "AA==" }, "Malformed $integer"],
    ["a set", { $set: [] }, "Field name $set starts with '$'"],
    [
      "33 MiB",
      Array(33).fill("x".repeat(1 << 20)),
      "Value is too large (33.00 MiB > maximum size 32 MiB)",
    ],
  ])("refuse %s", (_, value, message) => {
    expect(() => normalizeValue(value)).toThrow(message);
  });
});
