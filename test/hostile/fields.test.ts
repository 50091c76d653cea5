/** The component's public functions, with anything at all in their fields. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { callComponent, itemOfPausedPool, rows } from "./pool.js";
import { Victim } from "./victim.js";

const victim = Victim.forThisFile();

let item: Record<string, unknown>;
beforeAll(async () => {
  item = await itemOfPausedPool(victim());
});

const lib = (name: string, args: object) =>
  callComponent(victim(), `lib:${name}`, args);

describe("whatever a field holds", () => {
  const odd = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      0,
      -0,
      -1,
      0.5,
      NaN,
      Infinity,
      -Infinity,
      2 ** 53,
      1e308,
      5e-324,
      7n,
      -(2n ** 63n),
      "",
      "x",
      "function://",
      "🧨",
      [],
      {},
      [[]],
      { x: {} },
      new ArrayBuffer(0),
    ),
    fc.double(),
    fc
      .string({ unit: "binary" })
      .filter((each) => !/\p{Surrogate}/u.test(each)),
    fc.array(fc.double(), { maxLength: 3 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.double(), {
      maxKeys: 3,
    }),
  );
  const fields = [
    "fnHandle",
    "fnName",
    "fnArgs",
    "fnType",
    "runAt",
    "onComplete",
    "retryBehavior",
    "statusTtl",
    "timeoutMs",
    "config",
    "unknown",
  ];

  test("an enqueue is refused before anything is written, or is good", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...fields), odd, {
          minKeys: 1,
          maxKeys: 2,
        }),
        async (change) => {
          const outcome = await lib("enqueue", {
            ...item,
            config: {},
            ...change,
          });
          if ("refused" in outcome) {
            expect(outcome.wrote).toBe(false);
            expectClear(outcome.refused);
          } else {
            expect(await lib("status", { id: outcome.value })).toMatchObject({
              value: { state: "pending" },
            });
            expect(await lib("get", { id: outcome.value })).toMatchObject({
              value: { state: "pending" },
            });
          }
        },
      ),
      { numRuns: 300 },
    );
    await lib("cancelAll", { limit: 1_000 });
    expect(rows(victim(), "work")).toEqual([]);
  });

  test.each([
    ["cancel", ["id", "logLevel", "x"]],
    ["cancelAll", ["before", "limit", "logLevel", "x"]],
    ["status", ["id", "x"]],
    ["statusBatch", ["ids", "x"]],
    ["get", ["id", "x"]],
  ])(
    "%s is refused with a reason, or does what it says",
    async (name, names) => {
      await fc.assert(
        fc.asyncProperty(
          fc.dictionary(fc.constantFrom(...names), odd),
          async (args) => {
            const outcome = await lib(name, args);
            expect(outcome.wrote).toBe(false);
            if ("refused" in outcome) expectClear(outcome.refused);
          },
        ),
        { numRuns: 100 },
      );
    },
  );

  test("settings are refused with a reason, or in force", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.constantFrom("maxParallelism", "logLevel"),
          fc.oneof(odd, fc.constantFrom(0, 1_000, "ERROR", "DEBUG")),
        ),
        async (args) => {
          const outcome = await callComponent(victim(), "config:update", args);
          if ("refused" in outcome) {
            expect(outcome.wrote).toBe(false);
            expectClear(outcome.refused);
          }
        },
      ),
      { numRuns: 100 },
    );
    await callComponent(victim(), "config:update", { maxParallelism: 0 });
  });

  /** A sentence of ours or of Convex's validators, not the accident of some code. */
  function expectClear(refusal: string): void {
    expect(refusal).toMatch(
      / must be | may have | has no field |ArgumentValidationError|nest/,
    );
    expect(refusal).not.toMatch(
      /TypeError|RangeError|undefined \(reading|Server Error/,
    );
  }
});
