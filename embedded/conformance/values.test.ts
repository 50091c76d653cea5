/** Values: what can be stored, that it comes back as it was, and how it is ordered. */
import { describe, expect } from "vitest";
import type { Value } from "convex/values";
import { attempt, find, get, insert } from "./app/shared/steps.js";
import { backend, conforms, docs } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";

const app = useDeployment();

const TYPES = docs("database/types");
const LIMITS = docs("production/state/limits");
const SORTING = backend("crates/value/src/sorting.rs");
const bytes = (...values: number[]) => new Uint8Array(values).buffer;

/** Through arguments into a document, and through a query back. */
async function roundTrip(value: Value): Promise<unknown> {
  const [id] = await app.mutate(insert("anything", { value }));
  const [document] = await app.read(get(id));
  return document.value;
}

/** Stored in the given order, read in the order of the index. */
async function sorted(set: string, values: unknown[]): Promise<unknown[]> {
  for (const value of values) {
    await app.mutate(
      insert("anything", value === undefined ? { set } : { set, value }),
    );
  }
  const [rows] = await app.read(
    find("anything", { index: "by_set_value", range: [["eq", "set", set]] }),
  );
  return rows.map((row: { value?: unknown }) => row.value);
}

describe("Values", () => {
  for (const [what, value] of [
    ["null", null],
    ["booleans", [true, false]],
    ["the smallest and the largest int64", [-(2n ** 63n), 0n, 2n ** 63n - 1n]],
    ["floats with all their bits", [0.1, 5e-324, 1.7976931348623157e308]],
    ["infinities", [Infinity, -Infinity]],
    ["strings of any script", ["", "ä", "漢字", "👩‍👩‍👧", "\u0000", "\uffff"]],
    ["bytes", [bytes(), bytes(0, 1, 255)]],
    ["empty arrays and objects", [[], {}, [[]], { a: {} }]],
    ["fields with spaces, dots and dashes", { "a b": 1, "a.b": 2, "a-b": 3 }],
    ["fields of every name JavaScript knows", { constructor: 1, length: 2 }],
  ] as [string, Value][]) {
    conforms(`${what} come back as they were`, TYPES, async () => {
      expect(await roundTrip(value)).toEqual(value);
    });
  }

  conforms("minus zero keeps its sign, NaN stays NaN", TYPES, async () => {
    const [zero, nan] = (await roundTrip([-0, NaN])) as number[];
    expect(Object.is(zero, -0)).toBe(true);
    expect(nan).toBeNaN();
  });

  conforms("a field that is undefined is not there", TYPES, async () => {
    expect(
      Object.keys((await roundTrip({ a: 1, b: undefined } as any)) as object),
    ).toEqual(["a"]);
  });

  conforms("an array that holds undefined is no value", TYPES, async () => {
    await expect(
      app.client.query(api.values.give, { what: "undefined in an array" }),
    ).rejects.toThrow("undefined is not a valid Convex value");
  });

  conforms("a function that returns nothing returns null", TYPES, async () => {
    expect(
      await app.client.query(api.values.give, { what: "nothing" }),
    ).toBeNull();
  });

  for (const [what, message] of [
    ["a Date", "is not a supported Convex type"],
    ["a Map", "is not a supported Convex type"],
    ["a class instance", "is not a supported Convex type"],
    ["a function", "is not a supported Convex type"],
    ["a bigint of 65 bits", "does not fit into a 64-bit signed integer"],
  ] as const) {
    conforms(`${what} cannot be returned`, TYPES, async () => {
      await expect(app.client.query(api.values.give, { what })).rejects.toThrow(
        message,
      );
    });
  }

  conforms(
    "types sort as undefined, null, int64, float64, boolean, string, bytes, array, object",
    TYPES,
    async () => {
      const ascending = [undefined, null, 7n, -1.5, false, "", bytes(), [], {}];
      expect(await sorted("types", [...ascending].reverse())).toEqual(
        ascending,
      );
    },
  );

  for (const [what, ascending] of [
    [
      "int64s by value",
      [-(2n ** 63n), -256n, -1n, 0n, 1n, 255n, 256n, 2n ** 63n - 1n],
    ],
    [
      "floats by value, zeros by sign",
      [-Infinity, -1e300, -1, -5e-324, -0, 0, 5e-324, 1, 1e300, Infinity],
    ],
    ["booleans false first", [false, true]],
    [
      "strings by code point, prefixes first",
      ["", "A", "Z", "a", "a\u0000", "aa", "b", "ä", "\uffff", "😀"],
    ],
    [
      "bytes by byte, prefixes first",
      [
        bytes(),
        bytes(0),
        bytes(0, 0),
        bytes(1),
        bytes(127),
        bytes(128),
        bytes(255),
      ],
    ],
    [
      "arrays element by element, prefixes first",
      [[], [null], [1], [1, 1], [2], ["a"], [[]]],
    ],
    [
      "objects field by field, names before values",
      [{}, { a: 1 }, { a: 1, b: 0 }, { a: 2 }, { aa: 0 }, { b: 0 }],
    ],
  ] as [string, unknown[]][]) {
    conforms(`${what}`, SORTING, async () => {
      const shuffled = [
        ...ascending.slice(2),
        ...ascending.slice(0, 2),
      ].reverse();
      expect(await sorted(what, shuffled)).toEqual(ascending);
    });
  }

  conforms("NaN lies behind infinity", SORTING, async () => {
    expect(await sorted("nan", [NaN, Infinity])).toEqual([Infinity, NaN]);
  });

  conforms("negative NaN lies before minus infinity", SORTING, async () => {
    const negative = new Float64Array(
      new BigUint64Array([0xfff8000000000001n]).buffer,
    )[0]!;
    const sortedValues = await sorted("negative nan", [-Infinity, negative]);
    expect(sortedValues).toEqual([NaN, -Infinity]);
  });

  conforms("1 and 1n are different values", TYPES, async () => {
    await app.mutate(
      insert("anything", { set: "ones", value: 1 }),
      insert("anything", { set: "ones", value: 1n }),
    );
    const [found] = await app.read(
      find("anything", {
        index: "by_set_value",
        range: [
          ["eq", "set", "ones"],
          ["eq", "value", 1n],
        ],
      }),
    );
    expect(found).toMatchObject([{ value: 1n }]);
  });

  for (const [what, value, message] of [
    [
      "a top-level field that starts with an underscore",
      { _mine: 1 },
      "Field '_mine' starts with an underscore, which is only allowed for system fields like '_id'",
    ],
    ["an _id of one's own", { _id: "mine" }, "doesn't match '_id' field"],
    [
      "17 levels of nesting",
      nestedArrays(16),
      "Document is too nested (nested 17 levels deep > maximum nesting 16)",
    ],
    [
      "8,193 elements",
      { value: Array.from({ length: 8193 }, () => 0) },
      "Array length is too long (8193 > maximum length 8192)",
    ],
    [
      "1,025 fields",
      { value: fields(1025) },
      "Object has too many fields (1025 > maximum number 1024)",
    ],
    [
      "a field name of 1,025 characters",
      { value: { ["a".repeat(1025)]: 1 } },
      "exceeds maximum field name length 1024",
    ],
    [
      "more than a megabyte",
      { value: "x".repeat(1 << 20) },
      "Value is too large (1.00 MiB > maximum size 1 MiB)",
    ],
  ] as [string, Record<string, unknown>, string][]) {
    conforms(`${what} cannot be stored`, LIMITS, async () => {
      const stored = app.mutate(attempt(insert("anything", value)));
      // What is no value at all is refused on the way in, the rest by the table.
      const message_ = await stored.then(
        ([{ error, results }]) => error ?? `stored ${results}`,
        (error: Error) => error.message,
      );
      expect(message_).toContain(message);
    });
  }

  for (const [what, value] of [
    ["16 levels of nesting", nestedArrays(15)],
    ["8,192 elements", { value: Array.from({ length: 8192 }, () => 0) }],
    ["1,024 fields", { value: fields(1024) }],
    ["a field name of 1,024 characters", { value: { ["a".repeat(1024)]: 1 } }],
  ] as [string, Record<string, unknown>][]) {
    conforms(`${what} can be stored`, LIMITS, async () => {
      const [id] = await app.mutate(insert("anything", value));
      expect((await app.read(get(id)))[0]).toMatchObject(value);
    });
  }

  conforms(
    "a document of exactly a megabyte, system fields included, can be stored, one byte more cannot",
    backend("crates/common/src/document.rs"),
    async () => {
      const largest: number = await app.client.mutation(api.values.fill, {
        size: 1 << 20,
      });
      expect(largest).toBe(1 << 20);
      await expect(
        app.client.mutation(api.values.fill, { size: (1 << 20) + 1 }),
      ).rejects.toThrow("Value is too large");
    },
  );

  conforms(
    "a string with half a surrogate pair cannot be stored",
    LIMITS,
    async () => {
      await expect(
        app.mutate(insert("anything", { value: "\ud800" })),
      ).rejects.toThrow();
      const answer = await app.client.mutation(api.values.storeHalfPair, {});
      expect(answer).toContain("surrogate");
    },
  );

  for (const table of ["with-dash", "1st", ""]) {
    conforms(`a table cannot be called "${table}"`, LIMITS, async () => {
      const [{ error }] = await app.mutate(attempt(insert(table, {})));
      expect(error).toBeDefined();
    });
  }

  conforms(
    "an id says which table it is of",
    docs("database/document-ids"),
    async () => {
      const [id] = await app.mutate(insert("items", { group: "id", rank: 1 }));
      expect(
        await app.read(
          { op: "normalizeId", table: "items", id },
          { op: "normalizeId", table: "anything", id },
          { op: "normalizeId", table: "items", id: "not an id" },
          { op: "normalizeId", table: "nowhere", id },
        ),
      ).toEqual([id, null, null, null]);
      expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{31,37}$/);
    },
  );

  conforms(
    "to get what is no id, is an error",
    backend("crates/isolate/src/environment/udf/async_syscall.rs"),
    async () => {
      await expect(app.read(get("not an id"))).rejects.toThrow(
        "Invalid argument `id` for `db.get`: Unable to decode ID",
      );
    },
  );

  conforms(
    "to get what was deleted, gives null",
    docs("database/reading-data"),
    async () => {
      const [id] = await app.mutate(insert("anything", {}));
      await app.mutate({ op: "delete", id });
      expect(await app.read(get(id))).toEqual([null]);
    },
  );
});

/** An object with a field in which arrays lie that deep. */
function nestedArrays(depth: number): { value: unknown } {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return { value };
}

function fields(count: number): Record<string, number> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`f${i}`, i]),
  );
}
