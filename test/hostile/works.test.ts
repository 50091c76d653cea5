/** The component's functions about the life of a work, with one field at a time made wrong. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  anyOf,
  anything,
  type Attack,
  attack,
  beyond,
  expectClear,
  expectRefused,
  noInteger,
  noneOf,
  noObject,
  noText,
  notText,
  noTime,
} from "./attacks.js";
import { dump, goesOn, type Life, populate, valueOf } from "./life.js";
import { callComponent, itemOfPausedPool } from "./pool.js";
import { Victim } from "./victim.js";

const victim = Victim.forThisFile();

const YEAR = 365 * 24 * 3_600_000;
const FOUR_YEARS = 4 * YEAR;
const STATES = [
  ...["scheduled", "waiting", "retrying", "claimed", "running", "suspended"],
  ...["success", "failed", "canceled"],
];
const REASONS = [
  ...["expired", "timedOut", "discarded", "workerLost"],
  ...["abandoned", "unreachable"],
];

let life: Life;
let item: Record<string, unknown>;
beforeAll(async () => {
  life = await populate(victim());
  item = await itemOfPausedPool(victim());
});

const call = (path: string, args: object) =>
  callComponent(victim(), path, args);

/** Values that are no cursor of any list. */
const noCursor = anyOf(
  ...["", "x", "null", "7", "{}", '"a"', "[", "[1,", "\0"],
  ...["[null]", "[1]", '["a"]', "[1,2,3,4,5,6]", '["a","b"]', "[[],[]]"],
  ...['[{"$x":1}]', '[{"$integer":"x"}]', '[{"a":1},"b"]', '["undefined"]'],
  ...['["failed",1]', '[1e999,"x"]', '[1,""]', '[true,"x"]'],
  `[1,"${"x".repeat(1_000_000)}"]`,
  "[".repeat(10_000),
  ...[0, true, [], {}],
);
const fnName: Attack["values"] = noText(1_000);
const paginationOpts = { numItems: 5, cursor: null };

const filters = (method: string, ...fields: string[]): Attack[] => {
  const all: Record<string, Attack["values"]> = {
    fnName,
    before: noTime,
    after: noTime,
    reason: noneOf(...REASONS),
    state: noneOf("success", "failed", "canceled"),
  };
  return [
    ...Object.entries(all)
      .filter(([name]) => fields.includes(name))
      .map(([name, values]) => ({ at: ["filter", name], values })),
    // Known to another call, and not to this one.
    ...Object.keys(all)
      .filter((name) => !fields.includes(name))
      .map((name) => ({
        at: ["filter", name],
        values: anyOf("failed"),
        says: new RegExp(`${method} has no field "${name}"|\\.${name}\\b`),
      })),
    { at: ["filter", "fn_name"], values: anyOf("x", null, 1) },
    { at: ["filter"], values: noObject },
  ];
};
const rounds = (at: string[]): Attack[] => [
  { at: [...at, "delayMs"], values: beyond(0, 2 * YEAR) },
  { at: [...at, "spreadMs"], values: beyond(0, 2 * YEAR) },
  { at: [...at, "resetAttempts"], values: anyOf(null, 0, "true", {}, []) },
  { at: [...at, "delay"], values: anyOf(1, null) },
];
const id: Attack = { at: ["id"], values: notText };
const retryFields = (at: string[]): Attack[] => [
  { at: [...at, "maxAttempts"], values: noInteger(1, 2 ** 53) },
  { at: [...at, "initialBackoffMs"], values: beyond(0, Infinity) },
  { at: [...at, "base"], values: beyond(1, Infinity) },
];

test.each<[string, object, Attack[]]>([
  [
    "works:list",
    { paginationOpts },
    [
      { at: ["state"], values: noneOf(...STATES) },
      { at: ["callback"], values: noneOf("owed", "failed") },
      { at: ["fnName"], values: fnName },
      { at: ["before"], values: noTime },
      { at: ["after"], values: noTime },
      { at: ["status"], values: anyOf("failed") },
      { at: ["paginationOpts"], values: noObject },
      {
        at: ["paginationOpts", "numItems"],
        values: noInteger(1, Infinity),
      },
      { at: ["paginationOpts", "cursor"], values: noCursor },
      { at: ["paginationOpts", "endCursor"], values: noCursor },
      { at: ["paginationOpts", "limit"], values: anyOf(1) },
    ],
  ],
  [
    "works:list",
    { state: "failed", paginationOpts },
    [
      { at: ["callback"], values: anyOf("owed"), says: /not both/ },
      { at: ["paginationOpts", "cursor"], values: noCursor },
      { at: ["paginationOpts", "endCursor"], values: noCursor },
    ],
  ],
  [
    "works:list",
    { state: "running", paginationOpts },
    [
      { at: ["paginationOpts", "cursor"], values: noCursor },
      { at: ["paginationOpts", "endCursor"], values: noCursor },
    ],
  ],
  [
    "works:cancelMany",
    { filter: { before: 0 } },
    filters("cancelMany", "fnName", "before", "after"),
  ],
  [
    "works:retryMany",
    { filter: {} },
    [...filters("retry", "fnName", "before", "after", "reason"), ...rounds([])],
  ],
  [
    "works:retryCallbacks",
    { filter: {} },
    filters("retryCallbacks", "fnName", "before", "after"),
  ],
  [
    "works:forgetMany",
    { filter: {} },
    filters("forget", "fnName", "before", "after", "reason", "state"),
  ],
  ["works:retryCallback", { id: "" }, [id]],
  ["works:forget", { id: "" }, [id]],
  [
    "works:fail",
    { id: "", error: "x" },
    [id, { at: ["error"], values: noText(10_000) }],
  ],
  [
    "lib:cancel",
    { id: "" },
    [id, { at: ["running"], values: noneOf("abandon") }],
  ],
  ["lib:get", { id: "" }, [id]],
  ["lib:status", { id: "" }, [id]],
  [
    "attempts:listen",
    { id: "", fence: 0 },
    [id, { at: ["fence"], values: anyOf(null, "0", {}, 0n) }],
  ],
  [
    "attempts:beat",
    { id: "", fence: 0 },
    [
      id,
      { at: ["fence"], values: anyOf(null, "0", {}, 0n) },
      { at: ["progress"], values: beyond(0, 1) },
      { at: ["step"], values: noText(1_000) },
    ],
  ],
  [
    "attempts:suspend",
    { id: "", fence: 0, timeoutMs: 1_000 },
    [id, { at: ["timeoutMs"], values: beyond(1_000, FOUR_YEARS) }],
  ],
  [
    "config:update",
    {},
    [
      {
        at: ["maxParallelism"],
        values: noInteger(0, 1_000).filter((value) => value !== null),
      },
      {
        at: ["logLevel"],
        values: noneOf("DEBUG").filter((value) => value !== null),
      },
      { at: ["statusTtl"], values: anyOf(1) },
    ],
  ],
  [
    "config:declare",
    {},
    [
      { at: ["maxParallelism"], values: noInteger(0, 1_000) },
      { at: ["logLevel"], values: noneOf("DEBUG") },
      { at: ["statusTtl"], values: anyOf(1) },
    ],
  ],
])("%s %j refuses by name what is wrong", async (path, args, attacks) => {
  await attack(
    victim(),
    (changed: object) => call(path, changed),
    args,
    attacks,
  );
});

test("works:retry, update and complete of a work that has failed refuse by name what is wrong", async () => {
  const { failed } = life.ids;
  for (const [path, args, attacks] of [
    ["works:retry", { id: failed }, [id, ...rounds([])]],
    [
      "works:update",
      { id: failed, runAt: 0 },
      [id, { at: ["runAt"], values: beyond(-Infinity, Date.now() + 5 * YEAR) }],
    ],
    [
      "works:complete",
      { id: failed, result: null },
      [
        id,
        {
          at: ["result"],
          values: anyOf(
            "x".repeat(1_000_001),
            JSON.parse("[".repeat(51) + "]".repeat(51)),
          ),
          says: /The result of complete may/,
        },
      ],
    ],
  ] as const) {
    await attack<object>(
      victim(),
      (changed) => call(path, changed),
      args,
      attacks as never,
    );
  }
});

test("attempts:continueWith of an attempt that counts refuses by name what is wrong", async () => {
  const seventeen = Array.from({ length: 17 }, (_, n) => [`a${n}`, "this"]);
  await attack<object>(
    victim(),
    (changed) => call("attempts:continueWith", changed),
    { id: life.ids.running, fence: 0, fnArgs: {} },
    [
      id,
      {
        at: ["fnArgs"],
        values: anyOf(null, 7, "x", [], ["x"], new ArrayBuffer(1)),
        says: /The arguments of pool:holding must be an object/,
      },
      {
        at: ["fnArgs"],
        values: anyOf(
          { x: "x".repeat(1_000_000) },
          { x: JSON.parse("[".repeat(50) + "]".repeat(50)) },
        ),
        says: /The arguments of pool:holding may/,
      },
      {
        at: ["late"],
        values: anyOf(
          ...[null, 1, "work", { work: "that" }, { work: 1 }],
          Object.fromEntries(seventeen),
        ),
      },
    ],
  );
});

describe("an enqueue", () => {
  const enqueue = (change: object) => ({ ...item, config: {}, ...change });
  const all: Attack[] = [
    {
      at: ["tags"],
      values: anyOf(
        ...[
          null,
          "a",
          7,
          {},
          ["a", "b", "c", "d", "e", "f"],
          Array(5_000).fill("a"),
        ],
        ...[[""], ["a", "a"], ["x".repeat(201)], [1], [null], [["a"]]],
      ),
    },
    { at: ["timeoutMs"], values: noInteger(1_000, 1_620_000) },
    { at: ["heartbeatTimeoutMs"], values: noInteger(1_000, 1_620_000) },
    { at: ["expireAt"], values: beyond(-Infinity, Date.now() + 5 * YEAR) },
    { at: ["runAt"], values: beyond(-Infinity, Date.now() + 5 * YEAR) },
    { at: ["onTimeout"], values: noneOf("hold", "release") },
    {
      at: ["statusTtl"],
      values: anyOf(
        NaN,
        Infinity,
        -1,
        null,
        "1",
        { failed: -1 },
        { failed: NaN },
      ),
    },
    {
      at: ["late"],
      values: anyOf(null, 1, "work", { work: "that" }, { work: 1 }),
    },
    {
      at: ["late"],
      values: anyOf(
        Object.fromEntries(
          Array.from({ length: 17 }, (_, n) => [`a${n}`, "this"]),
        ),
      ),
    },
    ...retryFields(["retryBehavior"]),
    { at: ["retryBehavior", "jitter"], values: beyond(0, 1) },
    { at: ["retryBehavior", "maxBackoffMs"], values: beyond(0, YEAR) },
    { at: ["retryBehavior", "maxElapsedMs"], values: beyond(0, Infinity) },
    {
      at: ["retryBehavior", "intervalsMs"],
      values: anyOf(
        [],
        [1],
        [-1],
        [NaN],
        [1e17],
        ["1"],
        Array(101).fill(1),
        1,
        null,
      ),
    },
  ];
  const retryBehavior = { maxAttempts: 3, initialBackoffMs: 1, base: 2 };

  test("refuses by name what is wrong", async () => {
    await attack(
      victim(),
      (changed: object) => call("lib:enqueue", changed),
      enqueue({ retryBehavior }),
      all,
    );
  });

  test("of a batch names the item, too", async () => {
    const before = dump(victim());
    const items = [item, { ...item, tags: [""] }, item];
    expectRefused(
      await call("lib:enqueueBatch", { items, config: {} }),
      /Item 2 of the batch of 3: tags\[0\]/,
      items,
    );
    expect(dump(victim())).toEqual(before);
  });

  test("that is unique refuses by name what is wrong", async () => {
    const unique = { key: "scheduled", scope: "active" };
    await attack<object>(
      victim(),
      (changed) => call("unique:enqueue", changed),
      enqueue({ unique, retryBehavior }),
      [
        ...all,
        { at: ["unique"], values: noObject },
        { at: ["unique", "key"], values: noText(1_000) },
        {
          at: ["unique", "scope"],
          values: noneOf("active", "waiting", "retained"),
        },
        {
          at: ["unique", "scope"],
          values: anyOf("retained"),
          says: /needs a statusTtl/,
        },
        {
          at: ["unique", "scope"],
          values: beyond(1, FOUR_YEARS).map((windowMs) => ({ windowMs })),
          says: "windowMs",
        },
        {
          at: ["unique", "onDuplicate"],
          values: noneOf("return", "replace", "runAgain"),
        },
        { at: ["unique", "delayMs"], values: beyond(0, FOUR_YEARS) },
        {
          at: ["unique", "delayMs"],
          values: anyOf(1),
          says: /need onDuplicate "replace"/,
        },
        { at: ["unique", "name"], values: anyOf("x") },
      ],
    );
    for (const [more, says] of [
      [{ maxDelayMs: 5 }, "maxDelayMs"],
      [{ delayMs: 5, maxDelayMs: 4 }, "at least unique.delayMs"],
      [{ delayMs: 5, movesStart: true }, "not both"],
      [
        { scope: "waiting", onDuplicate: "runAgain" },
        'needs the scope "active"',
      ],
    ] as const) {
      expectRefused(
        await call(
          "unique:enqueue",
          enqueue({ unique: { ...unique, onDuplicate: "replace", ...more } }),
        ),
        new RegExp(says),
        more,
      );
    }
  });
});

test("a cursor of another list is refused, and one of the same list goes on", async () => {
  const list = (filter: object, paginationOpts: object) =>
    call("works:list", {
      ...filter,
      paginationOpts: { numItems: 1, cursor: null, ...paginationOpts },
    });
  const lists = [
    {},
    { state: "failed" },
    { state: "success" },
    { state: "failed", fnName: "pool:failing" },
    { state: "running" },
    { state: "waiting" },
  ];
  const cursors: string[] = [];
  for (const filter of lists) {
    cursors.push(valueOf(await list(filter, {})).continueCursor);
  }
  // The only one that runs is on the last page.
  cursors[4] = "[1,1]";
  expect(cursors).not.toContain("[]");
  for (const [own, filter] of lists.entries()) {
    for (const [index, cursor] of cursors.entries()) {
      for (const opts of [{ cursor }, { endCursor: cursor }]) {
        const outcome = await list(filter, opts);
        if (index === own) expect(outcome).toHaveProperty("value");
        else expectRefused(outcome, Object.keys(opts)[0]!, { filter, cursor });
      }
    }
    expect(await list(filter, { cursor: "[]" })).toMatchObject({
      value: { page: [], isDone: true },
    });
  }
});

test.each<[string, string[], object]>([
  [
    "works:list",
    ["state", "fnName", "callback", "before", "after", "numItems", "cursor"],
    {},
  ],
  ["works:cancelMany", ["fnName", "after", "state"], { before: 0 }],
  ["works:retryMany", ["fnName", "after", "reason"], { before: 0 }],
  ["works:retryCallbacks", ["fnName", "after", "state"], { before: 0 }],
  ["works:forgetMany", ["fnName", "after", "reason", "state"], { before: 0 }],
  ["attempts:listen", ["id", "fence"], {}],
  ["attempts:beat", ["id", "fence", "progress", "step"], {}],
  ["attempts:suspend", ["id", "fence", "timeoutMs"], {}],
  ["attempts:continueWith", ["id", "fence", "fnArgs", "late"], {}],
])(
  "%s with anything at all is refused in words, or does no harm",
  async (path, names, fixed) => {
    const before = dump(victim());
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...names), anything),
        async (drawn) => {
          const outcome = await call(
            path,
            argsOf(path, { ...drawn, ...fixed }),
          );
          if ("refused" in outcome) expectClear(outcome.refused);
          expect(dump(victim())).toEqual(before);
        },
      ),
      { numRuns: 60 },
    );
  },
);

/** Where its fields belong. */
function argsOf(path: string, fields: Record<string, unknown>): object {
  if (path === "works:list") {
    const { numItems = 5, cursor = null, ...filter } = fields;
    return { ...filter, paginationOpts: { numItems, cursor } };
  }
  if (path.startsWith("works:")) return { filter: fields };
  return { id: life.ids.failed, fence: 0, ...fields };
}

test("a unique enqueue with anything at all is refused in words, or good", async () => {
  const names = ["scope", "onDuplicate", "delayMs", "maxDelayMs", "movesStart"];
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom(...names), anything),
      async (drawn) => {
        const before = dump(victim());
        const unique = { key: "any", scope: "waiting", ...drawn };
        const outcome = await call("unique:enqueue", {
          ...item,
          config: {},
          unique,
        });
        if ("refused" in outcome) {
          expectClear(outcome.refused);
          expect(dump(victim())).toEqual(before);
        } else {
          const { id } = outcome.value;
          expect(await call("lib:get", { id })).toMatchObject({
            value: { state: "pending" },
          });
        }
      },
    ),
    { numRuns: 100 },
  );
});

test("a healthy work that has waited all the time runs", async () => {
  await goesOn(victim(), life);
});
