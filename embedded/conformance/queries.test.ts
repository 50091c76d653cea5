/** Indexes, ranges, filters, and how queries end. */
import { beforeAll, describe, expect } from "vitest";
import { find, insert, type Bound } from "./app/shared/steps.js";
import { backend, conforms, docs, npm } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";

const app = useDeployment();

const INDEXES = docs("database/reading-data/indexes");
const FILTERS = docs("database/reading-data/filters");
const READING = docs("database/reading-data");
const EXPRESSIONS = backend("crates/common/src/query.rs");

beforeAll(async () => {
  await app.mutate(
    ...[3, 1, 5, 2, 4].map((rank) => insert("items", { group: "five", rank })),
    ...[2, 2, 1].map((rank) => insert("items", { group: "ties", rank })),
    insert("items", { group: "lone", rank: 100 }),
    ...[1, 2, 3, 4].map((n) =>
      insert("anything", { set: "filters", n, deep: { er: n } }),
    ),
    insert("anything", { set: "filters", n: 5, extra: null, deep: 1 }),
    insert("anything", { set: "gaps" }),
    insert("anything", { set: "gaps", value: null }),
    insert("anything", { set: "gaps", value: 0 }),
    insert("anything", { set: "nested", outer: { inner: 2 } }),
    insert("anything", { set: "nested", outer: { inner: 1 } }),
    insert("anything", { set: "nested", outer: 7 }),
  );
});

async function ranks(
  range: Bound[],
  how: Record<string, unknown> = {},
): Promise<number[]> {
  const [rows] = await app.read(
    find("items", {
      index: "by_group_rank",
      range: [["eq", "group", "five"], ...range],
      ...how,
    }),
  );
  return rows.map(({ rank }: { rank: number }) => rank);
}

describe("Indexes and queries", () => {
  conforms(
    "without an index, rows come in the order of creation",
    READING,
    async () => {
      const [rows] = await app.read(
        find("items", { filter: ["group", "five"] }),
      );
      expect(rows.map(({ rank }: any) => rank)).toEqual([3, 1, 5, 2, 4]);
    },
  );

  conforms("descending order is the same backwards", READING, async () => {
    const [rows] = await app.read(
      find("items", { filter: ["group", "five"], order: "desc" }),
    );
    expect(rows.map(({ rank }: any) => rank)).toEqual([4, 2, 5, 1, 3]);
  });

  for (const [what, range, expected] of [
    [
      "eq on a prefix gives its rows in the order of the rest",
      [],
      [1, 2, 3, 4, 5],
    ],
    ["gt leaves the bound out", [["gt", "rank", 2]], [3, 4, 5]],
    ["gte has it in", [["gte", "rank", 2]], [2, 3, 4, 5]],
    ["lt leaves the bound out", [["lt", "rank", 2]], [1]],
    ["lte has it in", [["lte", "rank", 2]], [1, 2]],
    [
      "a lower and an upper bound make a range",
      [
        ["gt", "rank", 1],
        ["lte", "rank", 4],
      ],
      [2, 3, 4],
    ],
    [
      "a range may be empty",
      [
        ["gt", "rank", 2],
        ["lt", "rank", 3],
      ],
      [],
    ],
    [
      "a range whose ends are crossed is empty",
      [
        ["gt", "rank", 4],
        ["lt", "rank", 2],
      ],
      [],
    ],
    [
      "a bound of another type is beyond all numbers",
      [["lt", "rank", "a"]],
      [1, 2, 3, 4, 5],
    ],
  ] as [string, Bound[], number[]][]) {
    conforms(what, INDEXES, async () => {
      expect(await ranks(range)).toEqual(expected);
      expect(await ranks(range, { order: "desc" })).toEqual(
        [...expected].reverse(),
      );
    });
  }

  conforms("equal keys are in the order of creation", INDEXES, async () => {
    const [rows] = await app.read(
      find("items", {
        index: "by_group_rank",
        range: [["eq", "group", "ties"]],
      }),
    );
    const times = rows.slice(1).map((row: any) => row._creationTime);
    expect(rows.map(({ rank }: any) => rank)).toEqual([1, 2, 2]);
    expect(times[0]).toBeLessThan(times[1]);
  });

  conforms(
    "_creationTime may follow the fields of an index",
    INDEXES,
    async () => {
      const [[, second, third]] = await app.read(
        find("items", {
          index: "by_group_rank",
          range: [["eq", "group", "ties"]],
        }),
      );
      const [rows] = await app.read(
        find("items", {
          index: "by_group_rank",
          range: [
            ["eq", "group", "ties"],
            ["eq", "rank", 2],
            ["gt", "_creationTime", second._creationTime],
          ],
        }),
      );
      expect(rows).toEqual([third]);
    },
  );

  conforms("by_creation_time and by_id are always there", INDEXES, async () => {
    const [[first]] = await app.read(find("items"));
    expect(
      await app.read(
        find("items", {
          index: "by_creation_time",
          range: [["lte", "_creationTime", first._creationTime]],
        }),
        find("items", {
          index: "by_id",
          range: [["eq", "_id", first._id]],
        }),
      ),
    ).toEqual([[first], [first]]);
  });

  conforms(
    "undefined finds the rows that lack the field",
    docs("database/types"),
    async () => {
      const gaps = async (bound: Bound) =>
        (
          await app.read(
            find("anything", {
              index: "by_set_value",
              range: [["eq", "set", "gaps"], bound],
            }),
          )
        )[0].map(({ value }: any) => value);
      expect(await app.client.query(api.script.read, { steps: [] })).toEqual(
        [],
      );
      expect(await gaps(["gte", "value", null])).toEqual([null, 0]);
      expect(await gaps(["gt", "value", null])).toEqual([0]);
      expect(
        await app.client.query(api.queries.withoutValue, { set: "gaps" }),
      ).toBe(1);
      expect(
        await app.client.query(api.queries.withValue, { set: "gaps" }),
      ).toEqual([null, 0]);
    },
  );

  conforms(
    "fields of nested objects can be indexed; who lacks them comes first",
    INDEXES,
    async () => {
      const [rows] = await app.read(
        find("anything", { index: "by_nested", filter: ["set", "nested"] }),
      );
      expect(rows.map(({ outer }: any) => outer)).toEqual([
        7,
        { inner: 1 },
        { inner: 2 },
      ]);
    },
  );

  conforms("a table that nobody has written to is empty", READING, async () => {
    expect(
      await app.read(find("never"), find("never", { end: "first" })),
    ).toEqual([[], null]);
  });

  // How queries end.

  conforms("first gives the first row, or null", READING, async () => {
    const [one, none] = await app.read(
      find("items", { index: "by_rank", end: "first" }),
      find("items", {
        index: "by_rank",
        range: [["eq", "rank", 77]],
        end: "first",
      }),
    );
    expect([one.rank, none]).toEqual([1, null]);
  });

  conforms("take gives as many as there are at most", READING, async () => {
    expect(await ranks([], { end: 2 })).toEqual([1, 2]);
    expect(await ranks([], { end: 99 })).toHaveLength(5);
    expect(await ranks([], { end: 0 })).toEqual([]);
  });

  conforms(
    "unique gives the row, null, or refuses a second one",
    READING,
    async () => {
      const unique = (rank: number) =>
        app.read(
          find("items", {
            index: "by_rank",
            range: [["eq", "rank", rank]],
            end: "unique",
          }),
        );
      expect(await unique(100)).toMatchObject([{ group: "lone" }]);
      expect(await unique(77)).toEqual([null]);
      await expect(unique(2)).rejects.toThrow(
        "unique() query returned more than one result",
      );
    },
  );

  conforms("for await reads row by row, and may stop", READING, async () => {
    expect(
      await app.client.query(api.queries.iterated, {
        group: "five",
        stopAt: 3,
      }),
    ).toEqual([1, 2, 3]);
  });

  conforms("several scans may go on in turns", READING, async () => {
    expect(
      await app.client.query(api.queries.interleaved, { group: "five" }),
    ).toEqual([
      [1, 5],
      [2, 4],
      [3, 3],
      [4, 2],
      [5, 1],
    ]);
  });

  conforms(
    "rows may be deleted while they are iterated over",
    READING,
    async () => {
      const group = "iterated";
      await app.mutate(
        ...Array.from({ length: 300 }, (_, rank) =>
          insert("items", { group, rank }),
        ),
      );
      expect(
        await app.client.mutation(api.queries.deleteWhileIterating, { group }),
      ).toBe(300);
      expect(
        await app.read(
          find("items", {
            index: "by_group_rank",
            range: [["eq", "group", group]],
          }),
        ),
      ).toEqual([[]]);
    },
  );

  conforms(
    "get, patch, replace and delete may name the table; a wrong one is an error",
    docs("database/writing-data"),
    async () => {
      expect(
        await app.client.mutation(api.queries.byTableAndId, { group: "named" }),
      ).toEqual({
        ranks: [2, 3],
        gone: null,
        mistake: expect.stringContaining("anything"),
      });
    },
  );

  // Filters.

  for (const [name, expected] of [
    ["eq", [2]],
    ["neq", [1, 3, 4, 5]],
    ["lt", [1]],
    ["lte", [1, 2]],
    ["gt", [3, 4, 5]],
    ["gte", [2, 3, 4, 5]],
    ["and", [2, 3]],
    ["or", [1, 4]],
    ["not", [2, 3, 4, 5]],
    ["add", [2]],
    ["sub", [4]],
    ["mul", [3]],
    ["div", [1]],
    ["mod", [2, 4]],
    ["neg", [3]],
    ["missing", [1, 2, 3, 4]],
    ["present", [5]],
    ["deep", [4]],
    ["across types", [1, 2, 3, 4, 5]],
  ] as const) {
    conforms(`a filter with ${name}`, FILTERS, async () => {
      expect(await app.client.query(api.queries.filtered, { name })).toEqual(
        expected,
      );
    });
  }

  for (const [name, message] of [
    ["mixed numbers", "Cannot add 1.0 (type Float64) and 1 (type Int64)"],
    ["no boolean", "Cannot use value 1.0 (type Float64) as a Boolean"],
  ] as const) {
    conforms(`a filter with ${name} fails`, EXPRESSIONS, async () => {
      await expect(
        app.client.query(api.queries.filtered, { name }),
      ).rejects.toThrow(message);
    });
  }

  conforms(
    "filter and take: as many as pass, however many are passed over",
    FILTERS,
    async () => {
      const [rows] = await app.read(
        find("items", { index: "by_rank", filter: ["group", "lone"], end: 1 }),
      );
      expect(rows).toMatchObject([{ group: "lone" }]);
    },
  );

  // Misuse.

  for (const [how, message, source] of [
    [
      "an index that is not there",
      "Index items.by_colour not found.",
      backend("crates/database/src/query/mod.rs"),
    ],
    [
      "a field that is not in the index",
      'The index range included a comparison with "colour", but items.by_rank with fields',
      EXPRESSIONS,
    ],
    [
      "fields out of order",
      "Tried to query index items.by_group_rank but the query didn't use the index fields in order.",
      EXPRESSIONS,
    ],
    [
      "two lower bounds",
      'Already defined lower bound in index range. Can\'t add "rank" >= 2',
      EXPRESSIONS,
    ],
    [
      "bounds on two fields",
      "Upper and lower bounds in `range` can only be applied to a single index",
      EXPRESSIONS,
    ],
    [
      "two equalities on one field",
      'Already defined equality bound in index range. Can\'t add "rank" ==',
      EXPRESSIONS,
    ],
    [
      "a fraction of a row",
      "must be a non-negative integer",
      npm("convex src/server/impl/validate.ts"),
    ],
    [
      "fewer than no rows",
      "must be a non-negative integer",
      npm("convex src/server/impl/validate.ts"),
    ],
    [
      "a system table as one's own",
      "System tables can only be accessed from db.system.query().",
      npm("convex src/server/impl/database_impl.ts"),
    ],
    [
      "one's own table as the system's",
      "User tables can only be accessed from db.query().",
      npm("convex src/server/impl/database_impl.ts"),
    ],
    [
      "order twice",
      "Queries may only specify order at most once",
      npm("convex src/server/impl/query_impl.ts"),
    ],
  ] as const) {
    conforms(`${how} is refused`, source, async () => {
      await expect(
        app.client.query(api.queries.misuse, { how }),
      ).rejects.toThrow(message);
    });
  }
});
