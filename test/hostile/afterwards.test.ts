/** The client's methods about the life of a work, used as the types forbid. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  anyOf,
  type Attack,
  attack,
  beyond,
  expectRefused,
  noInteger,
  noneOf,
  noText,
  noTime,
} from "./attacks.js";
import { dump, goesOn, type Life, populate } from "./life.js";
import { callApp, callClient, type Where } from "./pool.js";
import { Victim } from "./victim.js";

const victim = Victim.forThisFile();

const YEAR = 365 * 24 * 3_600_000;
const FOUR_YEARS = 4 * YEAR;
const REASONS = [
  ...["expired", "timedOut", "discarded", "workerLost"],
  ...["abandoned", "unreachable"],
];
const KINDS = ["success", "failed", "canceled"];

let life: Life;
beforeAll(async () => {
  life = await populate(victim());
});

/** What looks like an object without fields, or is none. */
const noObject = anyOf(
  ...[true, 0, 1e17, "x", ["x"], 7n],
  ...["make function", "make promise", "make map", "make set", "make date"],
);
const halfPair = anyOf("make halfPair");
const text = (most: number) => fc.oneof(noText(most), halfPair);
const more = (at: Attack["at"], ...names: string[]): Attack[] =>
  names.map((name) => ({ at: [...at, name], values: anyOf(null, 1) }));

const paginationOpts = { numItems: 5, cursor: null };
const filters = (at: Attack["at"], ...fields: string[]): Attack[] => {
  const all: Record<string, Attack["values"]> = {
    fnName: text(1_000),
    before: noTime,
    after: noTime,
    reason: noneOf(...REASONS),
    state: noneOf(...KINDS),
  };
  const attacks: Attack[] = [
    { at, values: fc.oneof(noObject, anyOf(null)), says: "filter" },
    ...fields.map((name) => ({ at: [...at, name], values: all[name]! })),
    ...more([...at], ...Object.keys(all).filter((n) => !fields.includes(n))),
    { at: [...at, "fnname"], values: anyOf("x"), says: 'mean "fnName"' },
    { at: [...at, "func"], values: anyOf("x"), says: "has no field" },
  ];
  return attacks.map((each) => ({
    ...each,
    says: words(each.says ?? each.at.at(-1)),
  }));
};
const words = (says: unknown) =>
  says instanceof RegExp ? says : new RegExp(String(says));
const rounds = (at: Attack["at"]): Attack[] => [
  { at: [...at, "delayMs"], values: beyond(0, 2 * YEAR) },
  { at: [...at, "spreadMs"], values: beyond(0, 2 * YEAR) },
  { at: [...at, "resetAttempts"], values: anyOf(null, 0, "true", [], {}) },
  { at: [...at, "delay"], values: anyOf(1), says: /Did you mean "delayMs"/ },
];
const id: Attack = {
  at: [0],
  values: anyOf(7, 7n, true, [], ["x"]),
  says: /\bid\b|has no option|The filter of|must be the id/,
};
const tags = anyOf(
  ...[null, "a", 7, {}, ["a", "b", "c", "d", "e", "f"], [""], ["a", "a"]],
  ...[["x".repeat(201)], [1], [null], [["a"]], ["make halfPair"], "make set"],
  "make holes",
);

/** Of any enqueue, at this place of its arguments. */
const options = (at: Attack["at"]): Attack[] => [
  { at: [...at, "tags"], values: tags },
  { at: [...at, "name"], values: text(1_000) },
  { at: [...at, "timeoutMs"], values: noInteger(1_000, 1_620_000) },
  { at: [...at, "heartbeatTimeoutMs"], values: noInteger(1_000, 1_620_000) },
  { at: [...at, "onTimeout"], values: noneOf("hold", "release") },
  { at: [...at, "expireAfter"], values: beyond(0, FOUR_YEARS) },
  {
    at: [...at, "expireAt"],
    values: beyond(-Infinity, Date.now() + FOUR_YEARS + YEAR),
  },
  { at: [...at, "retry"], values: anyOf(1, "yes", [], {}, "make promise") },
  ...[
    ["maxAttempts", noInteger(1, 2 ** 53)] as const,
    ["initialBackoffMs", beyond(0, Infinity)] as const,
    ["base", beyond(1, Infinity)] as const,
    ["maxBackoffMs", beyond(0, YEAR)] as const,
    ["jitter", beyond(0, 1)] as const,
    ["maxElapsedMs", beyond(0, Infinity)] as const,
    ["intervalsMs", anyOf([], [-1], [NaN], ["1"], 1, null, [1])] as const,
  ].map(([name, values]) => ({
    at: [...at, "retry"],
    values: values.map((value) => ({ ...retry, [name]: value })),
    says: name,
  })),
  { at: [...at, "tag"], values: anyOf("a"), says: /Did you mean "tags"/ },
  { at: [...at, "expireat"], values: anyOf(1), says: /mean "expireAt"/ },
  { at, values: noObject, says: /options of|not all of|has no option/ },
];
const debounced = {
  key: "scheduled",
  scope: "active",
  onDuplicate: "replace",
};
const retry = { maxAttempts: 3, initialBackoffMs: 1, base: 2 };

describe.each<Where>(["inMutation", "inAction"])("%s", (where) => {
  const call = (method: string) => (args: unknown[]) =>
    callClient(victim(), where, method, args);

  test.each<[string, unknown[], Attack[]]>([
    [
      "list",
      [{ paginationOpts }],
      [
        { at: [0], values: noObject, says: /list/ },
        ...more([0], "status", "reason", "tag", "limit"),
        { at: [0, "state"], values: noneOf("failed").filter(isNoState) },
        { at: [0, "callback"], values: noneOf("owed", "failed") },
        { at: [0, "fnName"], values: text(1_000) },
        { at: [0, "before"], values: noTime },
        { at: [0, "after"], values: noTime },
        {
          at: [0, "paginationOpts"],
          values: fc.oneof(noObject, anyOf(null)),
          says: "paginationOpts",
        },
        {
          at: [0, "paginationOpts", "numItems"],
          values: noInteger(1, Infinity),
        },
        {
          at: [0, "paginationOpts", "cursor"],
          values: anyOf("x", "make undefined", "{}", 7, "[1]", ["x"]),
        },
      ],
    ],
    ["cancelMany", [{ before: 0 }], filters([0], "fnName", "before", "after")],
    [
      "retry",
      [{ filter: {} }],
      [
        ...filters([0, "filter"], "fnName", "before", "after", "reason"),
        ...rounds([0]),
        {
          at: [1],
          values: anyOf({ delayMs: 1 }, {}),
          says: /beside the filter/,
        },
        ...more([0], "fnName", "limit"),
        id,
      ],
    ],
    [
      "retry",
      ["nobody", {}],
      [
        ...rounds([1]),
        { at: [1], values: noObject, says: /The options of retry|no option/ },
      ],
    ],
    [
      "retryCallbacks",
      [{ filter: {} }],
      [...filters([0, "filter"], "fnName", "before", "after"), id],
    ],
    [
      "forget",
      [{ filter: {} }],
      [
        ...filters(
          [0, "filter"],
          ...["fnName", "before", "after", "reason", "state"],
        ),
        ...more([0], "delayMs", "state"),
        id,
      ],
    ],
    [
      "cancel",
      ["nobody", {}],
      [
        { at: [1, "running"], values: noneOf("abandon") },
        ...more([1], "abandon", "reason"),
        { at: [1], values: noObject, says: /The options of cancel|no option/ },
      ],
    ],
    [
      "update",
      ["nobody", { runAfter: 1 }],
      [
        { at: [1, "runAfter"], values: beyond(-Infinity, FOUR_YEARS) },
        { at: [1, "runAt"], values: anyOf(1), says: /not both/ },
        ...more([1], "priority", "timeoutMs"),
        {
          at: [1],
          values: fc.oneof(noObject, anyOf(null)),
          says: /The change of update|Give runAt or runAfter|no option/,
        },
      ],
    ],
    [
      "complete",
      ["nobody", null],
      [
        {
          at: [1],
          values: anyOf("x".repeat(1_000_001), deep(51), "make cycle"),
          says: /The result of complete may/,
        },
      ],
    ],
    [
      "fail",
      ["nobody", "x"],
      [{ at: [1], values: text(10_000), says: "error" }],
    ],
    ["enqueueAction", ["act", {}, {}], options([2])],
    [
      "enqueueUniqueAction",
      ["act", {}, { unique: { key: "scheduled", scope: "active" } }],
      [
        ...options([2]).slice(0, -1),
        { at: [2], values: fc.oneof(noObject, anyOf(null)), says: /unique/ },
        { at: [2, "unique"], values: fc.oneof(noObject, anyOf(null)) },
        ...more([2, "unique"], "ttl", "name"),
        { at: [2, "unique", "key"], values: text(1_000) },
        {
          at: [2, "unique", "scope"],
          values: noneOf("active", "waiting", "retained"),
        },
        {
          at: [2, "unique", "scope"],
          values: anyOf("retained"),
          says: /needs a statusTtl that keeps outcomes of every kind/,
        },
        {
          at: [2, "unique", "scope"],
          values: beyond(1, FOUR_YEARS).map((windowMs) => ({ windowMs })),
          says: "windowMs",
        },
        {
          at: [2, "unique", "onDuplicate"],
          values: noneOf("return", "replace", "runAgain"),
        },
        { at: [2, "unique", "delayMs"], values: beyond(0, FOUR_YEARS) },
        {
          at: [2, "unique", "delayMs"],
          values: anyOf(5),
          says: /need onDuplicate "replace"/,
        },
        {
          at: [2, "unique"],
          values: anyOf(
            { ...debounced, delayMs: 5, maxDelayMs: 4 },
            { ...debounced, maxDelayMs: 4 },
          ),
          says: "maxDelayMs",
        },
      ],
    ],
  ])("%s %j refuses by name what is wrong", async (method, args, attacks) => {
    await attack(victim(), call(method), args, attacks);
  });

  test("a batch refuses the options of one item by its place, and enqueues none", async () => {
    const before = dump(victim());
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...options([])),
        fc.integer({ min: 0, max: 2 }),
        async ({ at, values, says }, place) => {
          for (const value of fc.sample(values, 3)) {
            const own =
              at.length === 0 ? value : { [String(at[0])]: value as object };
            const eachOf: unknown[] = [{}, {}, {}];
            eachOf[place] = own;
            const outcome = await call("enqueueActionBatch")([
              "act",
              [{}, {}, {}],
              { eachOf },
            ]);
            expectRefused(outcome, says ?? String(at.at(-1)), { at, value });
            expect(outcome).toMatchObject({
              refused: expect.stringContaining(
                `Item ${place + 1} of the batch of 3: `,
              ),
            });
          }
        },
      ),
      { numRuns: 40 },
    );
    expect(dump(victim())).toEqual(before);
  });

  test("options that contradict each other are refused", async () => {
    const before = dump(victim());
    for (const [change, says] of [
      [
        { expireAt: 1, expireAfter: 1 },
        /Give expireAt or expireAfter, not both/,
      ],
      [{ runAt: 1, runAfter: 1 }, /Give runAt or runAfter, not both/],
      [
        { runAfter: 1_000, expireAfter: 1_000 },
        /would expire .* before it may start .*expireAt must be later/,
      ],
      [
        { retry: { ...retry, intervalsMs: [1] } },
        /Give retry.intervalsMs or retry.initialBackoffMs, not both/,
      ],
      [
        {
          runAfter: 5,
          unique: {
            key: "new",
            scope: "waiting",
            onDuplicate: "replace",
            delayMs: 5,
          },
        },
        /Give unique.delayMs or runAt or runAfter, not both/,
      ],
      [
        {
          expireAfter: 5,
          unique: {
            key: "new",
            scope: "waiting",
            onDuplicate: "replace",
            delayMs: 6,
          },
        },
        /would expire/,
      ],
      [
        { unique: { key: "new", scope: "waiting", onDuplicate: "runAgain" } },
        /"runAgain" needs the scope "active"/,
      ],
    ] as const) {
      const method =
        "unique" in change ? "enqueueUniqueAction" : "enqueueAction";
      const outcome = await call(method)(["act", {}, change]);
      expect(outcome, JSON.stringify(change)).toEqual({
        refused: expect.stringMatching(says),
        wrote: false,
      });
    }
    expect(dump(victim())).toEqual(before);
  });

  test("a pool with bad options is not configured", async () => {
    const before = dump(victim());
    for (const [pool, says] of [
      [{ maxParallelism: 1e17 }, "maxParallelism"],
      [{ maxParallelism: 0.5 }, "maxParallelism"],
      [{ logLevel: "loud" }, "logLevel"],
      [{ maxparallelism: 5 }, 'Did you mean "maxParallelism"'],
      [{ use: 7 }, "use"],
    ] as const) {
      expectRefused(
        await callClient(victim(), where, "configure", [], pool),
        words(says),
        pool,
      );
    }
    expect(dump(victim())).toEqual(before);
  });
});

describe("inside a handler", () => {
  test.each<[string, unknown, Attack[]]>([
    [
      "continueWith",
      {},
      [
        {
          at: [1],
          values: anyOf(null, 7, "x", ["x"], "make undefined"),
          says: /continueWith/,
        },
        {
          at: [1],
          values: anyOf(
            deep(51),
            { x: deep(50) },
            { x: "x".repeat(1_000_001) },
          ),
          says: /The arguments of continueWith/,
        },
        {
          at: [1],
          values: anyOf(
            { x: { y: "make thisWork" } },
            { x: ["make thisWork"] },
          ),
          says: /thisWork can only be an argument/,
        },
      ],
    ],
    [
      "suspend",
      { timeoutMs: 5_000 },
      [
        { at: [1, "timeoutMs"], values: beyond(1_000, FOUR_YEARS) },
        ...more([1], "timeout", "reason"),
        {
          at: [1],
          values: fc.oneof(noObject, anyOf(null, "make undefined")),
          says: /suspend|timeoutMs/,
        },
      ],
    ],
  ])("%s refuses by name what is wrong", async (method, argument, attacks) => {
    await attack(
      victim(),
      (args: unknown[]) => callClient(victim(), "inAction", method, args),
      [life.wire, argument],
      attacks,
    );
  });

  test("a heartbeat refuses by name what is wrong", async () => {
    await attack(
      victim(),
      (args: { beat: unknown }) =>
        callApp(victim(), "pool:beat", { work: life.wire, ...args }),
      { beat: {} },
      [
        { at: ["beat", "progress"], values: beyond(0, 1) },
        { at: ["beat", "step"], values: text(1_000) },
        { at: ["beat", "message"], values: anyOf("x") },
        { at: ["beat"], values: noObject, says: /heartbeat/ },
      ],
    );
  });

  test("mutations and queries have no further hop", async () => {
    for (const where of ["inMutation", "inQuery"] as const) {
      for (const [method, argument] of [
        ["continueWith", {}],
        ["suspend", { timeoutMs: 5_000 }],
        ["attach", "make function"],
      ] as const) {
        expect(
          await callClient(victim(), where, method, [life.wire, argument]),
        ).toEqual({
          refused: expect.stringContaining(
            `${method} needs the ctx of an action as its first argument`,
          ),
          wrote: false,
        });
      }
    }
  });
});

test.each([
  [
    "enqueueUniqueAction",
    ["act", {}, { unique: { key: "k", scope: "active" } }],
  ],
  ["cancelMany", [{}]],
  ["retry", ["x"]],
  ["retry", [{ filter: {} }]],
  ["retryCallbacks", ["x"]],
  ["forget", ["x"]],
  ["update", ["x", { runAfter: 1 }]],
  ["complete", ["x"]],
  ["fail", ["x", "error"]],
  ["configure", []],
])("%s in a query is refused", async (method, args) => {
  expect(await callClient(victim(), "inQuery", method, args)).toEqual({
    refused: expect.stringContaining(
      "needs the ctx of a mutation or an action",
    ),
    wrote: false,
  });
});

test("a healthy work that has waited all the time runs", async () => {
  await goesOn(victim(), life);
});

function deep(levels: number): unknown {
  return JSON.parse("[".repeat(levels) + "]".repeat(levels));
}

function isNoState(value: unknown): boolean {
  return ![
    ...["scheduled", "waiting", "retrying", "claimed", "running"],
    ...["suspended", ...KINDS],
  ].includes(value as string);
}
