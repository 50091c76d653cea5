import { createFunctionHandle } from "convex/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type AppTest,
  appTest,
  component,
  effects,
  jobs,
  mutate,
  pool,
} from "../testing/app.js";
import { textOf } from "../testing/component.js";
import type { ActionCtx, MutationCtx, QueryCtx } from "./context.js";
import { cutIntoCalls, enqueueBatch } from "./batch.js";
import { enqueue } from "./enqueue.js";
import { type WorkId } from "./index.js";

let t: AppTest;
beforeEach(() => {
  vi.useFakeTimers();
  // Functions that fail on purpose are logged.
  vi.spyOn(console, "error").mockImplementation(() => {});
  t = appTest();
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const drain = () => t.finishAllScheduledFunctions(vi.runAllTimers);
const query = <T>(body: (ctx: QueryCtx) => Promise<T>) =>
  t.query((ctx) => body(ctx as unknown as QueryCtx));
const act = <T>(body: (ctx: ActionCtx) => Promise<T>) =>
  t.action((ctx) => body(ctx as unknown as ActionCtx));
const get = (id: WorkId) => query((ctx) => pool().get(ctx, id));
const completed = async () =>
  (await effects(t, "completed")).map(({ detail }) => detail);

describe("enqueuing", () => {
  test("in a mutation that throws leaves nothing behind", async () => {
    let id: WorkId;
    await expect(
      mutate(t, async (ctx) => {
        id = await pool().enqueueMutation(ctx, jobs.mutate!, { key: "a" });
        throw new Error("changed my mind");
      }),
    ).rejects.toThrow("changed my mind");
    await drain();
    expect(await get(id!)).toBeNull();
    expect(await effects(t, "mutation")).toEqual([]);
  });

  test("works from actions", async () => {
    const [one, many] = await act(async (ctx) => [
      await pool().enqueueAction(ctx, jobs.act!, { key: "a" }),
      await pool().enqueueActionBatch(ctx, jobs.act!, [{ key: "b" }]),
    ]);
    expect(
      await query((ctx) => pool().statusBatch(ctx, [one, ...many])),
    ).toEqual([
      { state: "pending", previousAttempts: 0 },
      { state: "pending", previousAttempts: 0 },
    ]);
    await drain();
    expect(await effects(t, "attempt")).toHaveLength(2);
  });

  test("takes function handles, and names works as it is told", async () => {
    const ids = await mutate(t, async (ctx) => {
      const handle = (await createFunctionHandle(jobs.act!)) as never;
      const args = { key: "a" };
      return [
        await pool().enqueueAction(ctx, jobs.act!, args),
        await pool().enqueueAction(ctx, handle, args),
        await pool().enqueueAction(ctx, handle, args, { name: "post" }),
      ];
    });
    const names = await Promise.all(
      ids.map(async (id) => (await get(id))?.fnName),
    );
    expect(names).toEqual([
      "jobs:act",
      expect.stringMatching(/^function:\/\//),
      "post",
    ]);
    await drain();
    expect(await effects(t, "attempt")).toHaveLength(3);
  });

  test("at a time, or after one, lets work wait", async () => {
    const at = Date.now() + 60_000;
    const [one, two] = await mutate(t, async (ctx) => [
      await pool().enqueueQuery(ctx, jobs.read!, { key: "a" }, { runAt: at }),
      await pool().enqueueQuery(
        ctx,
        jobs.read!,
        { key: "a" },
        { runAfter: 60_000 },
      ),
    ]);
    expect(await get(one)).toMatchObject({ state: "pending", runAt: at });
    expect(await get(two)).toMatchObject({ state: "pending", runAt: at });
  });

  test("declares how long a work takes, else as the pool says, else not at all", async () => {
    const calls: { timeoutMs?: number; items?: { timeoutMs?: number }[] }[] =
      [];
    const ctx = {
      runQuery: () => Promise.reject(new Error("no query")),
      runMutation: async (_fn: unknown, args: object) => {
        calls.push(args);
        return "items" in args ? [] : "id";
      },
    } as unknown as MutationCtx;
    const fn = "function://handle" as unknown as typeof jobs.act;
    const quick = pool({ timeoutMs: 5_000 });
    await quick.enqueueAction(ctx, fn!, {}, { timeoutMs: 1_620_000 });
    await quick.enqueueMutation(ctx, fn!, {});
    await quick.enqueueQueryBatch(ctx, fn!, [{}, {}], { timeoutMs: 1_000 });
    await pool().enqueueAction(ctx, fn!, {});
    expect(
      calls.map(({ timeoutMs, items }) =>
        items ? items.map((item) => item.timeoutMs) : timeoutMs,
      ),
    ).toEqual([1_620_000, 5_000, [1_000, 1_000], undefined]);
    expect(calls.at(-1)).not.toHaveProperty("timeoutMs");
  });

  test("says what becomes of a slot, by when it has to begin and how it is retried", async () => {
    const retry = { maxAttempts: 3, intervalsMs: [10, 20], maxElapsedMs: 500 };
    const p = pool({
      onTimeout: "release",
      retryActionsByDefault: true,
      defaultRetryBehavior: { ...retry, jitter: 1 },
    });
    const before = Date.now();
    const works: any[] = [];
    const ctx = {
      runQuery: () => Promise.reject(new Error("no query")),
      runMutation: async (_fn: unknown, args: any) => {
        works.push(...(args.items ?? [args]));
        return args.items ? [] : "id";
      },
    } as unknown as MutationCtx;
    const fn = "function://handle" as unknown as NonNullable<typeof jobs.act>;
    await p.enqueueAction(ctx, fn, {}, { expireAfter: 500, runAfter: 400 });
    const expireAt = before + 9_000;
    await p.enqueueAction(ctx, fn, {}, { onTimeout: "hold", retry, expireAt });
    await p.enqueueMutationBatch(ctx, fn, [{}], { expireAfter: 9_000 });
    const direct = { retryBehavior: retry, onTimeout: "release" as const };
    await enqueue(component, ctx, "action", fn, {}, direct);
    expect(works).toMatchObject([
      {
        onTimeout: "release",
        retryBehavior: { ...retry, jitter: 1 },
        expireAt: before + 500,
      },
      { onTimeout: "hold", retryBehavior: retry, expireAt },
      { onTimeout: "release", expireAt },
      { onTimeout: "release", retryBehavior: retry },
    ]);
    expect(works[3]).not.toHaveProperty("expireAt");
  });

  test("excludes outcomes from the callback", async () => {
    await mutate(t, async (ctx) => {
      const onComplete = jobs.completed!;
      const p = pool();
      await p.enqueueMutation(
        ctx,
        jobs.mutate!,
        { key: "good" },
        { onComplete, onCompleteExcludeKinds: ["success"] },
      );
      await p.enqueueMutation(
        ctx,
        jobs.mutate!,
        { key: "bad", fail: true },
        { onComplete, onCompleteExcludeKinds: ["success"] },
      );
    });
    await drain();
    expect(await completed()).toMatchObject([{ result: { kind: "failed" } }]);
  });

  test("carries a million bytes of arguments, context and result", async () => {
    const context = { text: textOf(900_000) };
    const id = await mutate(t, (ctx) =>
      pool().enqueueAction(
        ctx,
        jobs.act!,
        { key: "a", padding: textOf(990_000), resultBytes: 990_000 },
        { onComplete: jobs.completedLengths!, context, statusTtl: 1e6 },
      ),
    );
    await drain();
    expect(await completed()).toEqual([
      { context: 900_000 - 2, returnValue: 990_000 },
    ]);
    const info = await get(id);
    expect(info?.result).toEqual({
      kind: "success",
      returnValue: "x".repeat(990_000),
    });
  });
});

describe("a batch", () => {
  test("is cut into calls of at most 1,000 works and 8 MB", () => {
    expect(cutIntoCalls([])).toEqual([]);
    expect(cutIntoCalls(Array.from({ length: 2001 }, () => 1))).toEqual([
      [0, 1000],
      [1000, 2000],
      [2000, 2001],
    ]);
    expect(cutIntoCalls(Array.from({ length: 10 }, () => 3_000_000))).toEqual([
      [0, 2],
      [2, 4],
      [4, 6],
      [6, 8],
      [8, 10],
    ]);
    expect(cutIntoCalls([9_000_000, 1, 9_000_000])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  test("of nothing calls nothing", async () => {
    expect(
      await mutate(t, (ctx) => pool().enqueueActionBatch(ctx, jobs.act!, [])),
    ).toEqual([]);
  });

  test("that takes several calls keeps its order", async () => {
    const ids = await mutate(t, (ctx) =>
      pool().enqueueQueryBatch(
        ctx,
        jobs.read!,
        Array.from({ length: 1001 }, (_, n) => ({ key: `k${n}` })),
        { runAfter: 60_000 },
      ),
    );
    expect(new Set(ids).size).toBe(1001);
    const states = await query((ctx) => pool().statusBatch(ctx, ids));
    expect(states.every(({ state }) => state === "pending")).toBe(true);
  });
});

describe("outcomes", () => {
  test("are kept as pool and work say", async () => {
    const p = pool({ statusTtl: { success: 1e9 } });
    const [kept, not] = await mutate(t, async (ctx) => [
      await p.enqueueMutation(ctx, jobs.mutate!, { key: "a" }),
      await p.enqueueMutation(
        ctx,
        jobs.mutate!,
        { key: "b" },
        { statusTtl: { success: 0 } },
      ),
    ]);
    await drain();
    expect(await get(kept)).toMatchObject({
      workId: kept,
      state: "finished",
      attempts: 1,
      result: { kind: "success", returnValue: "wrote a" },
    });
    expect(await get(not)).toBeNull();
  });

  test("of failures are kept by default, with their error", async () => {
    const id = await mutate(t, (ctx) =>
      pool().enqueueMutation(ctx, jobs.mutate!, { key: "a", fail: true }),
    );
    await drain();
    const info = await get(id);
    expect(info).toMatchObject({ state: "finished", attempts: 1 });
    expect(info?.lastError).toContain("a refused");
    expect(info?.result).toEqual({ kind: "failed", error: info?.lastError });
  });
});

describe("canceling", () => {
  test("one ends it before it runs, and tells its callback", async () => {
    const id = await mutate(t, (ctx) =>
      pool().enqueueAction(
        ctx,
        jobs.act!,
        { key: "a" },
        { onComplete: jobs.completed!, runAfter: 60_000 },
      ),
    );
    await mutate(t, (ctx) => pool().cancel(ctx, id));
    await drain();
    expect(await effects(t, "attempt")).toEqual([]);
    expect(await completed()).toMatchObject([
      { workId: id, result: { kind: "canceled" } },
    ]);
  });

  test("all ends everything, however small the pages", async () => {
    const ids = await mutate(t, (ctx) =>
      pool().enqueueActionBatch(
        ctx,
        jobs.act!,
        Array.from({ length: 10 }, (_, n) => ({ key: `k${n}` })),
        { runAfter: 60_000, onComplete: jobs.completed! },
      ),
    );
    await mutate(t, (ctx) => pool().cancelAll(ctx, { limit: 3 }));
    // Page by page, well before the works are due.
    for (let page = 0; page < 4; page++) {
      vi.advanceTimersByTime(100);
      await t.finishInProgressScheduledFunctions();
    }
    await drain();
    expect(await effects(t, "attempt")).toEqual([]);
    expect((await completed()).map(({ workId }) => workId).sort()).toEqual(
      [...ids].sort(),
    );
  });
});

test("the standalone functions do what the methods do", async () => {
  const retryBehavior = { maxAttempts: 2, initialBackoffMs: 10, base: 1 };
  await mutate(t, async (ctx) => {
    const options = { onComplete: jobs.completed!, maxParallelism: 2 };
    await enqueue(
      component,
      ctx,
      "mutation",
      jobs.mutate!,
      { key: "a" },
      options,
    );
    await enqueueBatch(
      component,
      ctx,
      "action",
      jobs.act!,
      [{ key: "b", failures: 1 }],
      { ...options, retryBehavior },
    );
  });
  await drain();
  expect((await completed()).map(({ result }) => result.kind)).toEqual([
    "success",
    "success",
  ]);
  expect(await effects(t, "attempt")).toHaveLength(2);
});

test("WORKPOOL_LOG_LEVEL decides when nothing else does", async () => {
  const info = vi.spyOn(console, "info").mockImplementation(() => {});
  vi.stubEnv("WORKPOOL_LOG_LEVEL", "INFO");
  const p = pool({ logLevel: undefined });
  await mutate(t, (ctx) => p.enqueueMutation(ctx, jobs.mutate!, { key: "a" }));
  expect(info).toHaveBeenCalledExactlyOnceWith(
    expect.stringContaining('"event":"enqueued"'),
  );
});
