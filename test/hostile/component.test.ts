/** The component's public functions, called directly with what no client would send. */
import { beforeAll, describe, expect, test } from "vitest";
import { callComponent, itemOfPausedPool, type Outcome, rows } from "./pool.js";
import { Victim } from "./victim.js";

const victim = Victim.forThisFile();
const YEAR = 365 * 24 * 3_600_000;

let item: Record<string, unknown>;
beforeAll(async () => {
  item = await itemOfPausedPool(victim());
});

const lib = (name: string, args: object, component?: string) =>
  callComponent(victim(), `lib:${name}`, args, component);
const pool = (name: string, args: object) =>
  callComponent(victim(), `pool:${name}`, args);

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

describe("an enqueue", () => {
  test.each<[string, object, string | RegExp]>([
    [
      "no handle",
      { fnHandle: "" },
      'fnHandle must be a function handle as createFunctionHandle() returns it, not "".',
    ],
    ["a handle that is a path", { fnHandle: "pool:act" }, "fnHandle must be"],
    [
      "a handle that is a number",
      { fnHandle: 7 },
      /Validator.*string|fnHandle/s,
    ],
    [
      "a handle of 100 kB",
      { fnHandle: `function://${text(100_000)}` },
      "fnHandle must be",
    ],
    [
      "a name of 100 kB",
      { fnName: text(100_000) },
      "name must be a string of 1 to 1000 characters",
    ],
    ["a name that is a number", { fnName: 7 }, "fnName"],
    ["an unknown type", { fnType: "httpAction" }, "fnType"],
    [
      "arguments that are a list",
      { fnArgs: [] },
      "The arguments of act must be an object, not [].",
    ],
    [
      "arguments that are null",
      { fnArgs: null },
      "The arguments of act must be an object, not null.",
    ],
    [
      "arguments that are bytes",
      { fnArgs: new ArrayBuffer(1) },
      "The arguments of act must be an object",
    ],
    [
      "arguments of 1,000,001 bytes",
      { fnArgs: { x: text(1_000_001 - 6) } },
      "The arguments of act may have at most 1000000 bytes, not 1000001.",
    ],
    [
      "arguments nested too deeply",
      { fnArgs: { x: JSON.parse("[".repeat(50) + "]".repeat(50)) } },
      "The arguments of act may be nested at most 50 levels deep.",
    ],
    [
      "a time that is none",
      { runAt: NaN },
      "runAt must be a finite number of milliseconds since 1970",
    ],
    ["a time without end", { runAt: Infinity }, "not Infinity."],
    ["a time before all times", { runAt: -Infinity }, "not -Infinity."],
    [
      "a time in five years",
      { runAt: Date.now() + 5 * YEAR },
      "at most four years ahead",
    ],
    ["a time in words", { runAt: "tomorrow" }, "runAt"],
    ["a time as an int64", { runAt: 7n }, "runAt"],
    [
      "no attempts",
      { retryBehavior: { ...retry, maxAttempts: 0 } },
      "retryBehavior.maxAttempts must be an integer of at least 1, not 0.",
    ],
    [
      "half an attempt",
      { retryBehavior: { ...retry, maxAttempts: 0.5 } },
      "not 0.5.",
    ],
    [
      "too many attempts to count",
      { retryBehavior: { ...retry, maxAttempts: 2 ** 53 } },
      "retryBehavior.maxAttempts must be",
    ],
    [
      "a negative backoff",
      { retryBehavior: { ...retry, initialBackoffMs: -1 } },
      "retryBehavior.initialBackoffMs must be",
    ],
    [
      "a backoff without end",
      { retryBehavior: { ...retry, initialBackoffMs: Infinity } },
      "retryBehavior.initialBackoffMs must be",
    ],
    [
      "a base below one",
      { retryBehavior: { ...retry, base: 0.99 } },
      "retryBehavior.base must be",
    ],
    [
      "half a retry behaviour",
      { retryBehavior: { maxAttempts: 3 } },
      /retryBehavior|initialBackoffMs/,
    ],
    [
      "an unknown field of it",
      { retryBehavior: { ...retry, jiter: 1 } },
      "jiter",
    ],
    [
      "a callback without a handle",
      { onComplete: { fnHandle: "x" } },
      "onComplete.fnHandle must be",
    ],
    [
      "a context of 1,000,001 bytes",
      {
        onComplete: { fnHandle: "function://x", context: text(1_000_001 - 2) },
      },
      "The onComplete context of act may have at most 1000000 bytes, not 1000001.",
    ],
    [
      "an unknown outcome excluded",
      { onComplete: { fnHandle: "function://x", excludeKinds: ["cancelled"] } },
      "excludeKinds",
    ],
    [
      "a time-out that is none",
      { timeoutMs: NaN },
      "timeoutMs must be an integer of milliseconds from 1000 (one second) to 1620000 (27 minutes), not NaN.",
    ],
    [
      "a time to live that is none",
      { statusTtl: NaN },
      "statusTtl must be a finite number of milliseconds of at least 0, not NaN.",
    ],
    [
      "a negative time to live",
      { statusTtl: { success: -1 } },
      "statusTtl.success must be",
    ],
    [
      "a time to live of an unknown outcome",
      { statusTtl: { done: 1 } },
      /done/,
    ],
    ["an option that does not exist", { priority: 1 }, "priority"],
    [
      "a parallelism of 1,001",
      { config: { maxParallelism: 1_001 } },
      "maxParallelism must be an integer from 0 (which pauses the pool) to 1000, not 1001.",
    ],
    [
      "a parallelism of one and a half",
      { config: { maxParallelism: 1.5 } },
      "not 1.5.",
    ],
    ["a negative parallelism", { config: { maxParallelism: -1 } }, "not -1."],
    [
      "a parallelism that is no number",
      { config: { maxParallelism: NaN } },
      "not NaN.",
    ],
    ["an unknown log level", { config: { logLevel: "debug" } }, "logLevel"],
    ["no settings", { config: null }, "config"],
  ])("with %s is refused, and nothing is written", async (_, change, words) => {
    const { config = {}, ...rest } = change as { config?: unknown };
    const changed = { ...item, ...rest };
    expectRefused(await lib("enqueue", { ...changed, config }), words);
    const batch = await lib("enqueueBatch", {
      items: [item, changed, item],
      config,
    });
    expectRefused(batch, words);
    if (
      "refused" in batch &&
      config === undefined &&
      !batch.refused.includes("Validator")
    ) {
      expect(batch.refused).toContain("Item 2 of the batch of 3");
    }
  });

  test("of nothing enqueues nothing", async () => {
    expect(await lib("enqueueBatch", { items: [], config: {} })).toMatchObject({
      value: [],
    });
  });

  test("of 8,193 works at once is refused", async () => {
    expectRefused(
      await lib("enqueueBatch", { items: Array(8_193).fill(item), config: {} }),
      /8192/,
    );
  });

  test("that asks for more than a transaction may write is refused as a whole", async () => {
    const large = { ...item, fnArgs: { x: text(900_000) } };
    expectRefused(
      await lib("enqueueBatch", { items: Array(19).fill(large), config: {} }),
      /[Tt]oo (many|large|much)|limit/,
    );
  });

  test("twice is two works", async () => {
    const [one, two] = [
      await lib("enqueue", { ...item, config: {} }),
      await lib("enqueue", { ...item, config: {} }),
    ];
    expect(one).not.toEqual(two);
    await lib("cancelAll", {});
  });
});

describe("ids that name no work", () => {
  test.each<[string, () => unknown]>([
    ["nothing", () => ""],
    ["a word", () => "nope"],
    ["an emoji", () => "🧨"],
    ["a null character", () => "\0"],
    ["a megabyte", () => text(1_000_000)],
    ["what looks like one", () => "k170000000000000000000000000000000"],
    [
      "one of the app",
      async () =>
        (
          await victim().post("/api/mutation", {
            path: "notes:add",
            args: { text: "" },
          })
        ).body.value,
    ],
    [
      "one of another pool",
      async () =>
        (
          (await lib(
            "enqueue",
            {
              ...item,
              runAt: Date.now() + YEAR,
              config: { maxParallelism: 0 },
            },
            "other",
          )) as any
        ).value,
    ],
    ["the pool's settings", () => rows(victim(), "config")[0]._id],
    [
      "a scheduled function of the pool",
      () => rows(victim(), "_scheduled_functions")[0]._id,
    ],
  ])("%s: no harm is done", async (_, make) => {
    const id = await make();
    expect(await lib("status", { id })).toEqual({
      value: { state: "finished" },
      wrote: false,
    });
    expect(await lib("get", { id })).toEqual({ value: null, wrote: false });
    expect(await lib("cancel", { id })).toEqual({
      value: "unknown",
      wrote: false,
    });
    expect(await lib("statusBatch", { ids: [id, id] })).toMatchObject({
      value: [{ state: "finished" }, { state: "finished" }],
    });
  });

  test("the other pool's work is still there", () => {
    expect(rows(victim(), "work", "other")).toHaveLength(1);
  });

  test.each([undefined, null, 7, 7n, true, [], {}, new ArrayBuffer(3)])(
    "%s is no id",
    async (id) => {
      for (const name of ["status", "get", "cancel"]) {
        expectRefused(
          await lib(name, id === undefined ? {} : { id }),
          /ArgumentValidationError.*id/s,
        );
      }
    },
  );

  test("2,000 of them may be asked for at once, and not 2,001", async () => {
    const ids = Array(2_000).fill("x");
    expect(await lib("statusBatch", { ids })).toMatchObject({
      value: { length: 2_000 },
    });
    expectRefused(
      await lib("statusBatch", { ids: [...ids, "x"] }),
      "statusBatch takes at most 2000 ids at once, not 2001.",
    );
  });
});

describe("cancelAll", () => {
  test.each<[object, string]>([
    [{ limit: 0 }, "limit must be an integer from 1 to 1000, not 0."],
    [{ limit: 1_001 }, "not 1001."],
    [{ limit: 1.5 }, "not 1.5."],
    [{ limit: NaN }, "not NaN."],
    [{ limit: "all" }, "limit"],
    [
      { before: NaN },
      "before must be a finite number of milliseconds since 1970, not NaN.",
    ],
    [{ before: Infinity }, "not Infinity."],
    [{ after: 0 }, "after"],
  ])("%o is refused", async (args, words) =>
    expectRefused(await lib("cancelAll", args), words),
  );

  test("before anything was enqueued, or when all is canceled, does nothing", async () => {
    await lib("enqueue", { ...item, config: {} });
    expect(await lib("cancelAll", { before: -1e300 })).toEqual({
      value: null,
      wrote: false,
    });
    await lib("cancelAll", {});
    expect(rows(victim(), "work")).toEqual([]);
    expect(await lib("cancelAll", {})).toEqual({ value: null, wrote: false });
  });
});

describe("settings", () => {
  test.each<[object, string]>([
    [
      { maxParallelism: 1_001 },
      "maxParallelism must be an integer from 0 (which pauses the pool) to 1000, not 1001.",
    ],
    [{ maxParallelism: -0.5 }, "not -0.5."],
    [{ maxParallelism: Infinity }, "not Infinity."],
    [{ maxParallelism: "10" }, "maxParallelism"],
    [{ logLevel: "LOUD" }, "logLevel"],
    [{ maxParalellism: 3 }, "maxParalellism"],
  ])("%o is refused", async (args, words) =>
    expectRefused(await callComponent(victim(), "config:update", args), words),
  );

  test("the same again writes nothing", async () => {
    expect(
      await callComponent(victim(), "config:update", { maxParallelism: 0 }),
    ).toEqual({ value: null, wrote: false });
    expect(await callComponent(victim(), "config:update", {})).toEqual({
      value: null,
      wrote: false,
    });
  });
});

describe("health and kick", () => {
  test.each(["health", "kick"])("%s takes no arguments", async (name) => {
    expectRefused(
      await pool(name, { id: "x" }),
      /ArgumentValidationError.*id/s,
    );
  });

  test("of a paused pool is good, however often it is kicked", async () => {
    await lib("enqueue", { ...item, config: {} });
    for (let i = 0; i < 50; i++) {
      expect(await pool("kick", {})).toEqual({ value: null, wrote: false });
    }
    expect(await pool("health", {})).toMatchObject({
      value: { maxParallelism: 0, inFlight: 0, backlog: { count: 1 } },
    });
    await lib("cancelAll", {});
    expect(await pool("health", {})).toMatchObject({
      value: { healthy: true, backlog: { count: 0 } },
    });
  });
});

describe("a paused pool", () => {
  test("takes, tells and cancels; nothing runs", async () => {
    const { value: ids } = (await lib("enqueueBatch", {
      items: Array(50).fill(item),
      config: {},
    })) as any;
    expect(await lib("status", { id: ids[0] })).toMatchObject({
      value: { state: "pending" },
    });
    expect(await lib("get", { id: ids[0] })).toMatchObject({
      value: { state: "pending", attempts: 0 },
    });
    expect(await lib("cancel", { id: ids[0] })).toMatchObject({ wrote: true });
    // A second time, and one that has ended: no harm.
    expect(await lib("cancel", { id: ids[0] })).toEqual({
      value: "unknown",
      wrote: false,
    });
    expect(await lib("status", { id: ids[0] })).toMatchObject({
      value: { state: "finished" },
    });
    expect(rows(victim(), "running")).toEqual([]);
    await lib("cancelAll", {});
    expect(rows(victim(), "work")).toEqual([]);
    expect(rows(victim(), "pendingStart")).toEqual([]);
    expect(rows(victim(), "payload")).toEqual([]);
  });
});
