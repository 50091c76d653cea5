/** The client class, used as the types forbid. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  callClient,
  callComponent,
  type Outcome,
  rows,
  type Where,
} from "./pool.js";
import { Victim } from "./victim.js";

const victim = Victim.forThisFile();
const YEAR = 365 * 24 * 3_600_000;

beforeAll(async () => {
  await callComponent(victim(), "config:update", { maxParallelism: 0 });
});

function expectRefused(outcome: Outcome, words: string | RegExp): void {
  expect(outcome).toEqual({
    refused:
      typeof words === "string"
        ? expect.stringContaining(words)
        : expect.stringMatching(words),
    wrote: false,
  });
}

const retry = { maxAttempts: 3, initialBackoffMs: 1, base: 2 };
const text = (bytes: number) => "x".repeat(bytes);

const ENQUEUES = [
  ["enqueueAction", "act"],
  ["enqueueMutation", "mutate"],
  ["enqueueQuery", "read"],
] as const;

describe.each<Where>(["inMutation", "inAction"])("%s", (where) => {
  const call = (method: string, args: unknown[], pool?: object) =>
    callClient(victim(), where, method, args, pool);

  test.each<[string, object, string]>([
    [
      "both times",
      { runAt: 1, runAfter: 1 },
      "Give runAt or runAfter, not both (runAt: 1, runAfter: 1).",
    ],
    ["a time in five years", { runAfter: 5 * YEAR }, "at most four years"],
    [
      "a time in words",
      { runAt: "2026-12-24" },
      "runAt must be a finite number of milliseconds since 1970, at most four years ahead",
    ],
    ["a time that is null", { runAt: null }, "not null."],
    [
      "a delay that is none",
      { runAfter: NaN },
      "runAfter must be a finite number of milliseconds",
    ],
    ["a delay in words", { runAfter: "5 minutes" }, 'not "5 minutes".'],
    [
      "outcomes to exclude that are no list",
      { onCompleteExcludeKinds: 7 },
      'onCompleteExcludeKinds must be a list of "success", "failed", "canceled", not 7.',
    ],
    [
      "outcomes to exclude that are null",
      { onCompleteExcludeKinds: null },
      "not null.",
    ],
    [
      "outcomes to exclude in one word",
      { onCompleteExcludeKinds: "success" },
      'not "success".',
    ],
    [
      "a misspelled outcome",
      { onCompleteExcludeKinds: ["cancelled"] },
      'not ["cancelled"].',
    ],
    ["a time to live in words", { statusTtl: "a week" }, "statusTtl must be"],
    ["a time to live that is null", { statusTtl: null }, "statusTtl must be"],
    [
      "a negative time to live",
      { statusTtl: -1 },
      "statusTtl must be a finite number of milliseconds of at least 0, not -1.",
    ],
    ["a time-out in words", { timeoutMs: "1h" }, 'not "1h".'],
    [
      "a time-out of an hour",
      { timeoutMs: 3_600_000 },
      "to 1620000 (27 minutes)",
    ],
    [
      "a name that is a number",
      { name: 7 },
      "name must be a string of 1 to 1000 characters, not 7.",
    ],
    ["a name of 1,001 letters", { name: text(1_001) }, "(1003 characters)"],
    [
      "a large context",
      { onComplete: "mutate", context: text(1_000_001) },
      "may have at most 1000000 bytes, not 1000003.",
    ],
    ["a callback that is no function", { onComplete: 7 }, "onComplete must be"],
  ])("an enqueue with %s is refused", async (_, options, words) => {
    for (const [method, fn] of ENQUEUES) {
      expectRefused(await call(method, [fn, {}, options]), words);
      expectRefused(
        await call(`${method}Batch`, [fn, [{}, {}], options]),
        words,
      );
    }
  });

  test.each<[string, unknown, string]>([
    [
      "in words",
      "yes",
      'retry must be an object with maxAttempts, initialBackoffMs, base, maxBackoffMs, jitter, maxElapsedMs, intervalsMs, not "yes".',
    ],
    ["a number", 3, "not 3."],
    [
      "empty",
      {},
      "retry.maxAttempts must be an integer of at least 1, not undefined.",
    ],
    [
      "misspelled",
      { ...retry, maxattempts: 3 },
      'retry has no field "maxattempts"',
    ],
    [
      "without an attempt",
      { ...retry, maxAttempts: 0 },
      "retry.maxAttempts must be an integer of at least 1, not 0.",
    ],
    [
      "with a base of zero",
      { ...retry, base: 0 },
      "retry.base must be a finite number of at least 1, not 0.",
    ],
  ])("a retry behaviour that is %s is refused", async (_, value, words) => {
    expectRefused(
      await call("enqueueAction", ["act", {}, { retry: value }]),
      words,
    );
  });

  test.each<[object, string]>([
    [
      { maxParallelism: 1_001 },
      "maxParallelism must be an integer from 0 (which pauses the pool) to 1000, not 1001.",
    ],
    [{ maxParallelism: "10" }, 'not "10".'],
    [{ maxParallelism: null }, "not null."],
    [
      { logLevel: "debug" },
      'logLevel must be one of DEBUG, TRACE, INFO, REPORT, WARN, ERROR, not "debug".',
    ],
    [{ statusTtl: NaN }, "statusTtl must be"],
    [
      { retryActionsByDefault: true, defaultRetryBehavior: { maxAttempts: 1 } },
      "defaultRetryBehavior.initialBackoffMs must be",
    ],
  ])("a pool with %o refuses work", async (pool, words) => {
    expectRefused(await call("enqueueAction", ["act", {}], pool), words);
    expectRefused(await call("enqueueActionBatch", ["act", [{}]], pool), words);
  });

  test.each<[string, unknown, unknown, RegExp]>([
    ["no function", null, {}, /fn must be a function reference.* not null\./],
    [
      "a function that is a number",
      7,
      {},
      /fn must be a function reference.* not 7\./,
    ],
    ["a function that is not there", "function://nope", {}, /handle/],
    [
      "no arguments",
      "act",
      null,
      /The arguments of .*act must be an object, not null\./,
    ],
    ["arguments in a list", "act", [1], /must be an object, not \[1\]\./],
    [
      "large arguments",
      "act",
      { x: text(1_000_001) },
      /may have at most 1000000 bytes, not 1000007\./,
    ],
  ])("%s: refused", async (what, fn, args, words) => {
    if (what === "a function that is not there") {
      // Its handle may have been good yesterday: the work fails, and says why.
      expect(await call("enqueueAction", [fn, args])).toMatchObject({
        wrote: true,
      });
      await call("cancelAll", []);
      return;
    }
    expectRefused(await call("enqueueAction", [fn, args]), words);
    expectRefused(await call("enqueueActionBatch", [fn, [{}, args]]), words);
  });

  test.each([null, 7, {}, "act"])(
    "a batch of %o is refused",
    async (argsArray) => {
      expectRefused(
        await call("enqueueActionBatch", ["act", argsArray]),
        /must be a list/,
      );
    },
  );

  test.each<[unknown, RegExp]>([
    [null, /must be a list/],
    ["abc", /must be a list/],
    [Array(2_001).fill("x"), /at most 2000 ids at once, not 2001/],
    [[7], /ArgumentValidationError/],
  ])("statusBatch of %o is refused", async (ids, words) => {
    expectRefused(await call("statusBatch", [ids]), words);
  });

  test.each([null, 7, {}, []])("the id %o is refused", async (id) => {
    for (const method of ["status", "get", "cancel"]) {
      expectRefused(await call(method, [id]), /ArgumentValidationError.*id/s);
    }
  });

  test.each<[unknown, string]>([
    [0, "limit must be an integer from 1 to 1000, not 0."],
    ["all", 'not "all".'],
    [null, "not null."],
  ])("cancelAll with the limit %o is refused", async (limit, words) => {
    expectRefused(await call("cancelAll", [{ limit }]), words);
  });

  test("whatever the options are, an enqueue is refused before anything is written, or is good", async () => {
    const odd = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        true,
        false,
        0,
        -1,
        0.5,
        NaN,
        Infinity,
        1e308,
        7n,
        "",
        "x",
        [],
        {},
        [null],
        new ArrayBuffer(1),
      ),
      fc.double(),
      fc.string({ unit: "grapheme" }),
    );
    const names = [
      "runAt",
      "runAfter",
      "retry",
      "onComplete",
      "context",
      "onCompleteExcludeKinds",
      "statusTtl",
      "timeoutMs",
      "name",
      "unknown",
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ENQUEUES),
        fc.dictionary(fc.constantFrom(...names), odd, { maxKeys: 3 }),
        async ([method, fn], options) => {
          const outcome = await call(method, [fn, {}, options]);
          if ("refused" in outcome) {
            expect(outcome.wrote).toBe(false);
            expect(outcome.refused).toMatch(
              / must be | may have | has no (option|field) |Give runAt or runAfter|nonexistent path/,
            );
            expect(outcome.refused).not.toMatch(/TypeError|Server Error/);
          } else {
            expect(await call("status", [outcome.value])).toMatchObject({
              value: { state: "pending" },
            });
          }
        },
      ),
      { numRuns: 150 },
    );
    await callComponent(victim(), "lib:cancelAll", { limit: 1_000 });
    expect(rows(victim(), "work")).toEqual([]);
  });
});

describe("in a query", () => {
  test.each([
    ["enqueueAction", ["act", {}]],
    ["enqueueActionBatch", ["act", [{}]]],
    ["cancel", ["x"]],
    ["cancelAll", []],
    ["kick", []],
  ])("%s is refused", async (method, args) => {
    expectRefused(
      await callClient(victim(), "inQuery", method, args),
      "needs the ctx of a mutation or an action",
    );
  });

  test("status, statusBatch, get and health are answered", async () => {
    expect(
      await callClient(victim(), "inQuery", "status", ["x"]),
    ).toMatchObject({ value: { state: "finished" } });
    expect(
      await callClient(victim(), "inQuery", "statusBatch", [[]]),
    ).toMatchObject({ value: [] });
    expect(await callClient(victim(), "inQuery", "get", ["x"])).toMatchObject({
      value: null,
    });
    expect(await callClient(victim(), "inQuery", "health", [])).toMatchObject({
      value: { healthy: true },
    });
  });
});
