import { getConvexSize } from "convex/values";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  componentTest,
  type ComponentTest,
  item,
  rowCounts,
  textOf,
} from "../../testing/component.js";
import { api } from "../_generated/api.js";
import type { Item } from "./enqueue.js";
import { MAX_ENTRY_WORKS } from "../queue/entries.js";
import { LONG_WORK_MS, MAX_TIMEOUT_MS } from "../shared.js";
import { MAX_DELAY_MS } from "../validateTime.js";

let t: ComponentTest;
const config = { logLevel: "INFO" as const };

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "info").mockImplementation(() => {});
  t = componentTest();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const enqueue = (changes: Partial<Item> = {}) =>
  t.mutation(api.lib.enqueue, { ...item(changes), config });
const enqueueBatch = (items: Item[]) =>
  t.mutation(api.lib.enqueueBatch, { items, config });
const entries = () => t.run((ctx) => ctx.db.query("pendingStart").collect());
const works = () => t.run((ctx) => ctx.db.query("work").collect());
const scheduled = () =>
  t.run((ctx) => ctx.db.system.query("_scheduled_functions").collect());

describe("a single enqueue", () => {
  test("writes the work and its entry, and wakes the loop", async () => {
    const id = await enqueue({ fnArgs: { a: 1 } });

    expect(await rowCounts(t)).toEqual({
      config: 1,
      runStatus: 1,
      work: 1,
      pendingStart: 1,
    });
    expect(await works()).toMatchObject([
      { _id: id, fnName: "jobs:test", fnArgs: { a: 1 } },
    ]);
    expect(await entries()).toMatchObject([
      { kind: "ready", works: [id], only: id, dueAt: Date.now() },
    ]);
    expect(await scheduled()).toMatchObject([{ state: { kind: "pending" } }]);
  });

  test("waits for its time in the queue of later work", async () => {
    const runAt = Date.now() + 60_000;
    await enqueue({ runAt });
    expect(await entries()).toMatchObject([{ kind: "later", dueAt: runAt }]);
  });

  test("is due now when its time has passed, however long ago", async () => {
    await enqueue({ runAt: 0 });
    expect(await entries()).toMatchObject([
      { kind: "ready", dueAt: Date.now() },
    ]);
  });

  test("logs the event that log queries look for", async () => {
    const runAt = Date.now() + 1000;
    const workId = await enqueue({ runAt });
    expect(console.info).toHaveBeenCalledExactlyOnceWith(
      JSON.stringify({
        component: "workpool",
        event: "enqueued",
        workId,
        fnName: "jobs:test",
        runAt,
        enqueuedAt: Date.now(),
      }),
    );
  });

  test("says how long outcomes are kept only when it was told", async () => {
    await enqueue();
    await enqueue({ statusTtl: 5 });
    await enqueue({ statusTtl: { success: 7 } });
    expect((await works()).map(({ statusTtl }) => statusTtl)).toEqual([
      undefined,
      { success: 5, failed: 5, canceled: 5 },
      { success: 7, failed: 7 * 24 * 3600 * 1000, canceled: 0 },
    ]);
  });
});

describe("large values", () => {
  test("of just under a million bytes are stored apart from the work", async () => {
    const args = { text: textOf(999_990) };
    const context = textOf(1_000_000);
    await enqueue({
      fnArgs: args,
      onComplete: { fnHandle: "function://done", context },
    });

    const [work] = await works();
    expect(work).toMatchObject({ argsSize: getConvexSize(args) });
    expect(work!.fnArgs).toBeUndefined();
    expect(work!.onComplete!.context).toBeUndefined();
    const stored = await t.run(async (ctx) => [
      await ctx.db.get("payload", work!.argsId!),
      await ctx.db.get("payload", work!.onComplete!.contextId!),
    ]);
    expect(stored.map((row) => row!.value)).toEqual([args, context]);
  });

  test("are refused above it, with function name, size and limit", async () => {
    await expect(
      enqueue({ fnArgs: { text: textOf(1_000_000) } }),
    ).rejects.toThrow(
      "The arguments of jobs:test may have at most 1000000 bytes, not 1000007.",
    );
    await expect(
      enqueue({
        onComplete: { fnHandle: "function://done", context: textOf(1_000_001) },
      }),
    ).rejects.toThrow(
      "The onComplete context of jobs:test may have at most 1000000 bytes, not 1000001.",
    );
    expect(await rowCounts(t)).toEqual({});
  });
});

describe("a batch", () => {
  test("writes one entry per 32 works and returns the ids in order", async () => {
    const ids = await enqueueBatch(
      Array.from({ length: 70 }, (_, n) => item({ fnArgs: { n } })),
    );

    const packed = await entries();
    expect(packed.map(({ works }) => works.length)).toEqual([
      MAX_ENTRY_WORKS,
      MAX_ENTRY_WORKS,
      6,
    ]);
    expect(packed.flatMap(({ works }) => works)).toEqual(ids);
    expect((await works()).map(({ _id, fnArgs }) => [_id, fnArgs.n])).toEqual(
      ids.map((id, n) => [id, n]),
    );
    expect(await scheduled()).toHaveLength(1);
  });

  test("keeps long works in entries of their own", async () => {
    const long = LONG_WORK_MS + 1;
    const ids = await enqueueBatch([
      item({ timeoutMs: long }),
      item(),
      item({ timeoutMs: LONG_WORK_MS }),
      item({ timeoutMs: MAX_TIMEOUT_MS }),
    ]);
    expect(
      (await entries()).map(({ works, kind }) => [works, kind === "long"]),
    ).toEqual([
      [[ids[0], ids[3]], true],
      [[ids[1], ids[2]], false],
    ]);
    expect((await works()).map(({ timeoutMs }) => timeoutMs).sort()).toEqual(
      [LONG_WORK_MS, long, MAX_TIMEOUT_MS, undefined].sort(),
    );
  });

  test("returns the ids in order when due times are mixed", async () => {
    const ids = await enqueueBatch(
      [0, 5000, 0, 5000, 9000].map((delay, n) =>
        item({ fnArgs: { n }, runAt: Date.now() + delay }),
      ),
    );
    const byId = new Map((await works()).map((work) => [work._id, work]));
    expect(ids.map((id) => byId.get(id)!.fnArgs.n)).toEqual([0, 1, 2, 3, 4]);
    expect(
      (await entries()).map(({ kind, works }) => [kind, works.length]),
    ).toEqual([
      ["ready", 2],
      ["later", 2],
      ["later", 1],
    ]);
  });

  test("of nothing does nothing but declare the settings", async () => {
    expect(await enqueueBatch([])).toEqual([]);
    expect(await rowCounts(t)).toEqual({ config: 1 });
    expect(await scheduled()).toEqual([]);
  });

  test("is refused as a whole, saying which item is bad", async () => {
    await expect(
      enqueueBatch([item(), item({ runAt: NaN }), item()]),
    ).rejects.toThrow(
      "Item 2 of the batch of 3: runAt must be a finite number",
    );
    expect(await rowCounts(t)).toEqual({});
  });
});

const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };

test.each<[string, Partial<Item>]>([
  ["fnHandle must be a function handle", { fnHandle: "jobs:test" }],
  ["arguments of jobs:test must be an object, not 5", { fnArgs: 5 }],
  ["arguments of jobs:test must be an object, not []", { fnArgs: [] }],
  ["arguments of jobs:test must be an object, not null", { fnArgs: null }],
  ["runAt must be a finite number", { runAt: Infinity }],
  ["runAt must be a finite number", { runAt: NaN }],
  ["at most four years ahead", { runAt: Date.now() + 2 * MAX_DELAY_MS }],
  ["expireAt must be a finite number", { expireAt: NaN }],
  [
    "before it may start",
    { runAt: Date.now() + 9e8, expireAt: Date.now() + 8e8 },
  ],
  [
    "retryBehavior.jitter must be a number from 0 to 1, not 3",
    { retryBehavior: { ...retry, jitter: 3 } },
  ],
  [
    "retryBehavior.intervalsMs must be a list of 1 to 100 numbers",
    { retryBehavior: { maxAttempts: 3, intervalsMs: [] } },
  ],
  [
    "retryBehavior.maxAttempts must be an integer of at least 1, not 0",
    { retryBehavior: { ...retry, maxAttempts: 0 } },
  ],
  [
    "retryBehavior.maxAttempts must be an integer of at least 1, not Infinity",
    { retryBehavior: { ...retry, maxAttempts: Infinity } },
  ],
  [
    "retryBehavior.maxAttempts must be an integer of at least 1, not 1.5",
    { retryBehavior: { ...retry, maxAttempts: 1.5 } },
  ],
  [
    "retryBehavior.initialBackoffMs must be a finite number of milliseconds of at least 0, not -1",
    { retryBehavior: { ...retry, initialBackoffMs: -1 } },
  ],
  [
    "retryBehavior.initialBackoffMs must be a finite number of milliseconds of at least 0, not NaN",
    { retryBehavior: { ...retry, initialBackoffMs: NaN } },
  ],
  [
    "retryBehavior.base must be a finite number of at least 1, not 0.5",
    { retryBehavior: { ...retry, base: 0.5 } },
  ],
  [
    "onComplete.fnHandle must be a function handle",
    { onComplete: { fnHandle: "" } },
  ],
  ["timeoutMs must be an integer of milliseconds from 1000", { timeoutMs: 1 }],
  ["statusTtl must be a finite number", { statusTtl: -1 }],
  [
    "statusTtl.failed must be a finite number",
    { statusTtl: { failed: Infinity } },
  ],
])("refuses with %j, and writes nothing", async (message, changes) => {
  await expect(enqueue(changes)).rejects.toThrow(message);
  expect(await rowCounts(t)).toEqual({});
  expect(await scheduled()).toEqual([]);
});

test.each([-1, 1001, 2.5, NaN, Infinity])(
  "refuses a parallelism of %s, and writes nothing",
  async (maxParallelism) => {
    await expect(
      t.mutation(api.lib.enqueue, { ...item(), config: { maxParallelism } }),
    ).rejects.toThrow(
      `maxParallelism must be an integer from 0 (which pauses the pool) to 1000, not ${maxParallelism}.`,
    );
    expect(await rowCounts(t)).toEqual({});
  },
);

test("kinds and levels that do not exist are refused by the validator", async () => {
  await expect(
    enqueue({
      onComplete: {
        fnHandle: "function://done",
        excludeKinds: ["sucess" as "success"],
      },
    }),
  ).rejects.toThrow(/sucess/);
  await expect(
    t.mutation(api.lib.enqueue, {
      ...item(),
      config: { logLevel: "LOUD" as "INFO" },
    }),
  ).rejects.toThrow(/LOUD/);
  expect(await rowCounts(t)).toEqual({});
});
