import { convexToJson, v, type JSONValue, type Value } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  argumentValidationError,
  encodeId,
  returnsValidationError,
  validationError,
} from "../../src/values/index.js";

const bytes16 = new Uint8Array(16);
const user = encodeId(10_001, bytes16);
const message = encodeId(10_002, bytes16);
const job = encodeId(1, bytes16);
const stranger = encodeId(10_099, bytes16);
const tables = (number: number) =>
  ({ 10_001: "users", 10_002: "messages", 1: "_scheduled_functions" })[
    number
  ] ?? null;

type AnyValidator = { kind: string };
function json(validator: AnyValidator): JSONValue {
  return (validator as unknown as { json: JSONValue }).json;
}
function errorOf(validator: AnyValidator, value: Value): string | null {
  return validationError(json(validator), convexToJson(value), tables);
}

describe("validators accept", () => {
  test.each<[AnyValidator, Value[]]>([
    [v.any(), [null, 1, "a", {}, [1n]]],
    [v.null(), [null]],
    [v.float64(), [1, NaN, -0, Infinity]],
    [v.int64(), [1n, -5n]],
    [v.commitTs(), [1n]],
    [v.boolean(), [true, false]],
    [v.string(), ["", "a"]],
    [v.bytes(), [new Uint8Array([1]).buffer as ArrayBuffer]],
    [v.literal("a"), ["a"]],
    [v.literal(1n), [1n]],
    [v.literal(1.5), [1.5]],
    [v.literal(true), [true]],
    [v.id("users"), [user]],
    [v.id("_scheduled_functions"), [job]],
    [v.array(v.string()), [[], ["a", "b"]]],
    [v.record(v.string(), v.float64()), [{}, { a: 1 }]],
    [v.record(v.id("users"), v.null()), [{ [user]: null }]],
    [
      v.object({ a: v.float64(), b: v.optional(v.string()) }),
      [{ a: 1 }, { a: 1, b: "x" }],
    ],
    [v.union(v.string(), v.null()), ["a", null]],
  ])("what it describes (%#)", (validator, values) => {
    for (const value of values) expect(errorOf(validator, value)).toBe(null);
  });

  test("a commit timestamp that is not known yet, where an int64 may be", () => {
    const pending = { $commitTs: null };
    expect(validationError(json(v.commitTs()), pending, tables)).toBe(null);
    expect(validationError(json(v.int64()), pending, tables)).toBe(null);
    expect(validationError(json(v.float64()), pending, tables)).not.toBe(null);
  });
});

describe("validators refuse, in Convex's words,", () => {
  const noMatch = (value: string, validator: string, path = "") =>
    `Value does not match validator.\n${path}\nValue: ${value}\nValidator: ${validator}`;

  test.each<[AnyValidator, Value, string]>([
    [v.null(), 1, noMatch("1.0", "v.null()")],
    [v.float64(), 1n, noMatch("1", "v.float64()")],
    [v.int64(), 1, noMatch("1.0", "v.int64()")],
    [v.boolean(), "a", noMatch('"a"', "v.boolean()")],
    [v.string(), null, noMatch("null", "v.string()")],
    [v.bytes(), {}, noMatch("{}", "v.bytes()")],
    [v.object({}), 1n, noMatch("1", "v.object({})")],
    [
      v.object({}),
      new Uint8Array([1]).buffer as ArrayBuffer,
      noMatch('b"AQ=="', "v.object({})"),
    ],
    [
      v.literal("a"),
      "b",
      '`"b"` does not match literal validator `v.literal("a")`.',
    ],
    [
      v.literal(1),
      1n,
      "`1` does not match literal validator `v.literal(1.0)`.",
    ],
    [
      v.literal(1n),
      2n,
      "`2` does not match literal validator `v.literal(<bigint>)`.",
    ],
    [
      v.id("users"),
      message,
      `Found ID "${message}" from table \`messages\`, which does not match the table name in validator \`v.id("users")\`.`,
    ],
    [
      v.id("users"),
      job,
      `Found ID "${job}" from a system table, which does not match the table name in validator \`v.id("users")\`.`,
    ],
    [v.id("users"), stranger, noMatch(`"${stranger}"`, 'v.id("users")')],
    [v.id("users"), "nonsense", noMatch('"nonsense"', 'v.id("users")')],
    [v.array(v.string()), ["a", 1], noMatch("1.0", "v.string()", "Path: [1]")],
    [
      v.record(v.string(), v.string()),
      { a: 1 },
      noMatch("1.0", "v.string()", "Path: .values()"),
    ],
    [
      v.record(v.id("users"), v.any()),
      { a: 1 },
      noMatch('"a"', 'v.id("users")', "Path: .keys()"),
    ],
    [
      v.object({ a: v.object({ b: v.array(v.float64()) }) }),
      { a: { b: [1, "x"] } },
      noMatch('"x"', "v.float64()", "Path: .a.b[1]"),
    ],
    [
      v.object({ a: v.float64(), b: v.optional(v.string()) }),
      { b: "x" },
      'Object is missing the required field `a`. Consider wrapping the field validator in `v.optional(...)` if this is expected.\n\nObject: {b: "x"}\nValidator: v.object({a: v.float64(), b: v.optional(v.string())})',
    ],
    [
      v.object({ a: v.object({}) }),
      { a: { c: [1n, true] } },
      "Object contains extra field `c` that is not in the validator.\nPath: .a\nObject: {c: [1, true]}\nValidator: v.object({})",
    ],
    [
      v.union(v.string(), v.null()),
      1,
      noMatch("1.0", "v.union(v.string(), v.null())"),
    ],
    [v.union(), 1, noMatch("1.0", "v.union()")],
    [
      v.object({ a: v.optional(v.string()) }),
      { a: null },
      noMatch("null", "v.string()", "Path: .a"),
    ],
    [
      v.object({ toString: v.string() }),
      {},
      "Object is missing the required field `toString`.",
    ],
  ])("row %#", (validator, value, message) => {
    expect(errorOf(validator, value)).toContain(message);
  });

  test("arguments and return values by the name of the error", () => {
    const args = json(v.object({ a: v.string() }));
    expect(argumentValidationError(args, {}, tables)).toMatch(
      /^ArgumentValidationError: Object is missing the required field `a`/,
    );
    expect(argumentValidationError(args, { a: "x" }, tables)).toBe(null);
    expect(returnsValidationError(json(v.null()), 1, tables)).toMatch(
      /^ReturnsValidationError: Value does not match validator/,
    );
    expect(returnsValidationError(null, 1, tables)).toBe(null);
  });
});
