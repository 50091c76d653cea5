/** Validators: what arguments, results and documents may be, and how they are refused. */
import type { Value } from "convex/values";
import { describe, expect } from "vitest";
import { attempt, insert, patch } from "./app/shared/steps.js";
import { backend, conforms, docs } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";

const app = useDeployment();

const VALIDATION = docs("functions/validation");
const VALIDATOR = backend("crates/common/src/schemas/validator.rs");
const SCHEMAS = docs("database/schemas");

const call = (name: string, args: object): Promise<any> =>
  app.client.query(api.validators[name], args as any);
const bytes = new Uint8Array([1, 2]).buffer;

describe("Validators", () => {
  const accepted: [string, Value | undefined][] = [
    ["string", ""],
    ["number", NaN],
    ["int64", -5n],
    ["bool", false],
    ["bytes", bytes],
    ["nothing", null],
    ["any", [{ deep: [1n, null] }]],
    ["optional", 1],
    ["optional", undefined],
    ["nullable", null],
    ["nullable", "text"],
    ["literal", "a"],
    ["literal", 1],
    ["literal", true],
    ["array", []],
    ["array", [1, 2]],
    ["record", {}],
    ["record", { a: 1, "b c": 2 }],
    ["object", { a: 1 }],
    ["object", { a: 1, b: "x" }],
    ["deep", [{ list: ["a"] }, { list: [] }]],
    ["kinds", { kind: "text", text: "x" }],
    ["kinds", { kind: "count", count: 1 }],
  ];
  for (const [name, x] of accepted) {
    conforms(`${name} accepts ${show(x)}`, VALIDATION, async () => {
      expect(await call(name, x === undefined ? {} : { x })).toEqual(
        x === undefined ? {} : { x },
      );
    });
  }

  const noMatch = (value: string, validator: string, path = ".x") =>
    `ArgumentValidationError: Value does not match validator.\nPath: ${path}\nValue: ${value}\nValidator: ${validator}`;
  const refused: [string, object, string][] = [
    ["string", { x: 1 }, noMatch("1.0", "v.string()")],
    ["string", { x: null }, noMatch("null", "v.string()")],
    ["number", { x: 1n }, noMatch("1", "v.float64()")],
    ["number", { x: "1" }, noMatch('"1"', "v.float64()")],
    ["int64", { x: 1 }, noMatch("1.0", "v.int64()")],
    ["bool", { x: 0 }, noMatch("0.0", "v.boolean()")],
    ["bytes", { x: "AQI=" }, noMatch('"AQI="', "v.bytes()")],
    ["nothing", { x: false }, noMatch("false", "v.null()")],
    ["optional", { x: null }, noMatch("null", "v.float64()")],
    ["nullable", { x: 1 }, noMatch("1.0", "v.union(v.string(), v.null())")],
    [
      "literal",
      { x: "b" },
      noMatch(
        '"b"',
        'v.union(v.literal("a"), v.literal(1.0), v.literal(true))',
      ),
    ],
    ["array", { x: [1, "2"] }, noMatch('"2"', "v.float64()", ".x[1]")],
    ["array", { x: { 0: 1 } }, noMatch("{0: 1.0}", "v.array(v.float64())")],
    ["record", { x: { a: "1" } }, noMatch('"1"', "v.float64()", ".x.values()")],
    [
      "byId",
      { x: { nobody: 1 } },
      noMatch('"nobody"', 'v.id("items")', ".x.keys()"),
    ],
    ["item", { x: "nonsense" }, noMatch('"nonsense"', 'v.id("items")')],
    [
      "deep",
      { x: [{ list: ["a"] }, { list: ["a", 1] }] },
      noMatch("1.0", "v.string()", ".x[1].list[1]"),
    ],
    ["kinds", { x: { kind: "text", count: 1 } }, "ArgumentValidationError"],
    [
      "string",
      {},
      "ArgumentValidationError: Object is missing the required field `x`. Consider wrapping the field validator in `v.optional(...)` if this is expected.\n\nObject: {}\nValidator: v.object({x: v.string()})",
    ],
    [
      "string",
      { x: "a", y: 1 },
      'ArgumentValidationError: Object contains extra field `y` that is not in the validator.\n\nObject: {x: "a", y: 1.0}\nValidator: v.object({x: v.string()})',
    ],
    [
      "object",
      { x: { b: "x" } },
      "ArgumentValidationError: Object is missing the required field `a`. Consider wrapping the field validator in `v.optional(...)` if this is expected.\nPath: .x\n",
    ],
    [
      "object",
      { x: { a: 1, c: 1 } },
      "ArgumentValidationError: Object contains extra field `c` that is not in the validator.\nPath: .x\n",
    ],
    [
      "noArguments",
      { x: 1 },
      "ArgumentValidationError: Object contains extra field `x` that is not in the validator.",
    ],
  ];
  for (const [name, args, message] of refused) {
    conforms(`${name} refuses ${show(args)}`, VALIDATOR, async () => {
      await expect(call(name, args)).rejects.toThrow(message);
    });
  }

  conforms(
    "an id of the table is accepted, of another one it is not",
    VALIDATOR,
    async () => {
      const [own, other] = await app.mutate(
        insert("items", { group: "v", rank: 1 }),
        insert("anything", {}),
      );
      expect(await call("item", { x: own })).toEqual({ x: own });
      await expect(call("item", { x: other })).rejects.toThrow(
        `Found ID "${other}" from table \`anything\`, which does not match the table name in validator \`v.id("items")\`.`,
      );
    },
  );

  conforms("an id need not lead to a document", VALIDATION, async () => {
    const [id] = await app.mutate(insert("items", { group: "v", rank: 1 }));
    await app.mutate({ op: "delete", id });
    expect(await call("item", { x: id })).toEqual({ x: id });
  });

  conforms(
    "without validators everything is accepted",
    VALIDATION,
    async () => {
      expect(await call("unchecked", { a: 1, b: [2n] })).toEqual({
        a: 1,
        b: [2n],
      });
    },
  );

  // Results.

  conforms("a result must match its validator", VALIDATION, async () => {
    expect(await call("returnsString", { value: "x" })).toBe("x");
    await expect(call("returnsString", { value: 1 })).rejects.toThrow(
      "ReturnsValidationError: Value does not match validator.\n\nValue: 1.0\nValidator: v.string()",
    );
  });

  conforms("to return nothing matches v.null()", VALIDATION, async () => {
    expect(await call("returnsNull", {})).toBeNull();
  });

  conforms(
    "a result with a field too many is refused",
    VALIDATION,
    async () => {
      expect(await call("returnsObject", { value: {} })).toEqual({});
      await expect(
        call("returnsObject", { value: { a: 1, b: 2 } }),
      ).rejects.toThrow(
        "ReturnsValidationError: Object contains extra field `b`",
      );
    },
  );

  conforms(
    "the caller in another function can catch a refused argument",
    backend("crates/isolate/src/environment/udf/async_syscall.rs"),
    async () => {
      const tried = (n: unknown) =>
        app.client.mutation(api.validators.callsInternal, { n } as any);
      expect(await tried(1)).toBe("fine");
      expect(await tried("one")).toContain("ArgumentValidationError");
    },
  );

  // Documents.

  const documentError = (table: string, message: string) =>
    `Failed to insert or update a document in table "${table}" because it does not match the schema: ${message}`;
  for (const [what, value, message] of [
    [
      "with a field of the wrong type",
      { group: "v", rank: "1" },
      'Value does not match validator.\nPath: .rank\nValue: "1"\nValidator: v.float64()',
    ],
    [
      "without a required field",
      { group: "v" },
      "Object is missing the required field `rank`.",
    ],
    [
      "with a field that is not in the schema",
      { group: "v", rank: 1, color: "red" },
      "Object contains extra field `color` that is not in the validator.",
    ],
  ] as const) {
    conforms(`a document ${what} cannot be inserted`, SCHEMAS, async () => {
      const [{ error }] = await app.mutate(attempt(insert("items", value)));
      expect(error).toContain(documentError("items", message));
    });
  }

  conforms("nor can one become so by a patch", SCHEMAS, async () => {
    const [id] = await app.mutate(insert("items", { group: "v", rank: 1 }));
    const [{ error }] = await app.mutate(attempt(patch(id, { rank: null })));
    expect(error).toContain(
      documentError("items", "Value does not match validator."),
    );
  });

  conforms("nor by the loss of a required field", SCHEMAS, async () => {
    const [id] = await app.mutate(insert("items", { group: "v", rank: 1 }));
    const [{ error }] = await app.mutate(
      attempt({ op: "unset", id, field: "rank" }),
    );
    expect(error).toContain("Object is missing the required field `rank`.");
  });

  conforms("an optional field may go", SCHEMAS, async () => {
    const [id] = await app.mutate(
      insert("items", { group: "v", rank: 1, note: "n" }),
    );
    await app.mutate({ op: "unset", id, field: "note" });
    const [document] = await app.read({ op: "get", id });
    expect(Object.keys(document).sort()).toEqual([
      "_creationTime",
      "_id",
      "group",
      "rank",
    ]);
  });

  conforms(
    "tables that the schema does not name take everything",
    SCHEMAS,
    async () => {
      const [id] = await app.mutate(
        insert("unknownToTheSchema", { any: [1n] }),
      );
      expect(await app.read({ op: "get", id })).toMatchObject([{ any: [1n] }]);
    },
  );
});

function show(value: unknown): string {
  return (
    JSON.stringify(value, (_key, each: unknown) =>
      typeof each === "bigint"
        ? `${each}n`
        : each instanceof ArrayBuffer
          ? "bytes"
          : Number.isNaN(each)
            ? "NaN"
            : each,
    ) ?? "nothing"
  );
}
