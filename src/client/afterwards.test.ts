/** The client's methods for works afterwards: what they refuse, and that they reach the component. */
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
import type { ActionCtx, MutationCtx, QueryCtx } from "./context.js";
import { type WorkId, Workpool } from "./index.js";

const HOUR = 3_600_000;

describe("refused before anything is called:", () => {
  const workpool = new Workpool(component);
  const id = "x" as WorkId;
  const paginationOpts = { numItems: 10, cursor: null };
  test.each<[string, (ctx: MutationCtx) => Promise<unknown>]>([
    [
      'running must be "abandon", not true',
      (ctx) => workpool.cancel(ctx, id, { running: true as never }),
    ],
    [
      "The options of cancel must be an object, not true.",
      (ctx) => workpool.cancel(ctx, id, true as never),
    ],
    [
      "The options of retry must be an object, not a Promise.",
      (ctx) => workpool.retry(ctx, id, Promise.resolve({}) as never),
    ],
    [
      "The options of retry must be an object, not 5.",
      (ctx) => workpool.retry(ctx, id, 5 as never),
    ],
    [
      "The filter of cancelMany must be an object with fnName, tag, before, after, not a Map.",
      (ctx) => workpool.cancelMany(ctx, new Map([["fnName", "a"]]) as never),
    ],
    [
      "The filter of forget must be an object with fnName, tag, before, after, reason, state, not a Promise.",
      (ctx) => workpool.forget(ctx, { filter: Promise.resolve({}) as never }),
    ],
    [
      'cancel has no option "abandon"',
      (ctx) => workpool.cancel(ctx, id, { abandon: true } as never),
    ],
    [
      'The filter of cancelMany has no field "name". Did you mean "fnName"?',
      (ctx) => workpool.cancelMany(ctx, { name: "a" } as never),
    ],
    [
      "The filter of cancelMany must be an object",
      (ctx) => workpool.cancelMany(ctx, undefined as never),
    ],
    [
      'list has no option "status"',
      (ctx) =>
        workpool.list(ctx, { status: "failed", paginationOpts } as never),
    ],
    [
      "state must be one of scheduled, waiting",
      (ctx) => workpool.list(ctx, { state: "done" as never, paginationOpts }),
    ],
    [
      "paginationOpts must be an object like { numItems: 50, cursor: null }",
      (ctx) => workpool.list(ctx, {} as never),
    ],
    [
      "Give state or callback, not both",
      (ctx) =>
        workpool.list(ctx, {
          state: "failed",
          callback: "owed",
          paginationOpts,
        }),
    ],
    [
      'retry has no option "delay". Did you mean "delayMs"?',
      (ctx) => workpool.retry(ctx, id, { delay: 1 } as never),
    ],
    [
      "delayMs must be a number of milliseconds from 0 to two years",
      (ctx) => workpool.retry(ctx, id, { delayMs: -1 }),
    ],
    [
      "retry by filter takes its options beside the filter",
      (ctx) => workpool.retry(ctx, { filter: {} }, { delayMs: 1 }),
    ],
    [
      'retry has no option "fnName"',
      (ctx) => workpool.retry(ctx, { fnName: "a" } as never),
    ],
    [
      "reason must be one of expired, timedOut",
      (ctx) => workpool.retry(ctx, { filter: { reason: "bad" as never } }),
    ],
    [
      "The filter of forget must be an object",
      (ctx) => workpool.forget(ctx, {} as never),
    ],
    [
      'The filter of retryCallbacks has no field "state"',
      (ctx) =>
        workpool.retryCallbacks(ctx, { filter: { state: "failed" } as never }),
    ],
    [
      "Give runAt or runAfter: there is nothing to update.",
      (ctx) => workpool.update(ctx, id, {} as never),
    ],
    [
      "Give runAt or runAfter, not both",
      (ctx) => workpool.update(ctx, id, { runAt: 1, runAfter: 1 } as never),
    ],
    [
      'update has no option "delay". Did you mean "runAfter"?',
      (ctx) => workpool.update(ctx, id, { delay: 1 } as never),
    ],
  ])("%s", async (message, call) => {
    const called = vi.fn();
    const ctx = { runMutation: called, runQuery: called } as never;
    await expect(call(ctx)).rejects.toThrow(message);
    expect(called).not.toHaveBeenCalled();
  });

  test("a context that cannot write", async () => {
    const ctx = { runQuery: vi.fn() } as unknown as MutationCtx;
    for (const call of [
      workpool.retry(ctx, id),
      workpool.forget(ctx, id),
      workpool.update(ctx, id, { runAfter: 0 }),
    ]) {
      await expect(call).rejects.toThrow("needs the ctx of a mutation");
    }
  });
});

describe("in an app", () => {
  let t: AppTest;
  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(console, "error").mockImplementation(() => {});
    t = appTest();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  const drain = () => t.finishAllScheduledFunctions(vi.runAllTimers);
  const query = <T>(body: (ctx: QueryCtx) => Promise<T>) =>
    t.query((ctx) => body(ctx as unknown as QueryCtx));
  const act = <T>(body: (ctx: ActionCtx) => Promise<T>) =>
    t.action((ctx) => body(ctx as unknown as ActionCtx));
  const list = (state: "failed" | "scheduled") =>
    query((ctx) =>
      pool().list(ctx, {
        state,
        paginationOpts: { numItems: 9, cursor: null },
      }),
    );

  test("a work that has failed is listed, tried again by id and by filter, and forgotten", async () => {
    const id = await mutate(t, (ctx) =>
      pool().enqueueAction(ctx, jobs.act!, { key: "a", failures: 2 }),
    );
    await drain();
    expect((await list("failed")).page).toMatchObject([
      { workId: id, state: "failed", fnName: "jobs:act" },
    ]);
    const one = { matched: 1, skipped: 0, isDone: true };
    expect(await mutate(t, (ctx) => pool().retry(ctx, id))).toEqual(one);
    await drain();
    expect(await query((ctx) => pool().get(ctx, id))).toMatchObject({
      result: { kind: "failed", error: expect.stringContaining("attempt 2") },
      round: 1,
    });
    expect(await query((ctx) => pool().counts(ctx))).toMatchObject({
      functions: [{ fnName: "jobs:act", failed: { count: 1 } }],
    });
    const filter = { fnName: "jobs:act" };
    expect(await act((ctx) => pool().retry(ctx, { filter }))).toEqual(one);
    await drain();
    expect(await effects(t, "attempt")).toHaveLength(3);
    expect((await list("failed")).page).toEqual([]);
    expect(await query((ctx) => pool().operations(ctx))).toEqual([]);
  });

  test("outcomes are forgotten, by id and by filter", async () => {
    const ids = await mutate(t, (ctx) =>
      pool().enqueueMutationBatch(ctx, jobs.mutate!, [
        { key: "a", fail: true },
        { key: "b", fail: true },
      ]),
    );
    await drain();
    await mutate(t, (ctx) => pool().forget(ctx, ids[0]!));
    expect((await list("failed")).page).toMatchObject([{ workId: ids[1] }]);
    await mutate(t, (ctx) =>
      pool().forget(ctx, { filter: { state: "failed" } }),
    );
    expect((await list("failed")).page).toEqual([]);
  });

  test("works that wait are postponed, run now and canceled, and it is said what was done", async () => {
    const [a, b] = await mutate(t, (ctx) =>
      pool().enqueueMutationBatch(
        ctx,
        jobs.mutate!,
        [{ key: "a" }, { key: "b" }],
        { runAfter: HOUR },
      ),
    );
    const told = await mutate(t, async (ctx) => [
      await pool().update(ctx, a!, { runAfter: 0 }),
      await pool().update(ctx, b!, { runAt: Date.now() + 2 * HOUR }),
    ]);
    expect(told).toEqual(["updated", "updated"]);
    expect((await list("scheduled")).page).toMatchObject([{ workId: b }]);
    const many = await mutate(t, (ctx) =>
      pool().cancelMany(ctx, { fnName: "jobs:other" }),
    );
    expect(many).toEqual({ matched: 0, skipped: 0, isDone: true });
    expect(await mutate(t, (ctx) => pool().cancel(ctx, b!))).toBe("canceled");
    expect(
      await mutate(t, (ctx) => pool().cancel(ctx, b!, { running: "abandon" })),
    ).toBe("unknown");
    await drain();
    expect(await effects(t, "mutation")).toMatchObject([{ key: "a" }]);
  });

  test("a callback that was given up is tried again", async () => {
    const context = { key: "a" };
    const onComplete = jobs.completedWhenAllowed as never;
    const id = await mutate(t, (ctx) =>
      pool().enqueueMutation(ctx, jobs.mutate!, context, {
        onComplete,
        context,
      }),
    );
    await drain();
    await mutate(t, async (ctx) => {
      await ctx.db.insert("effects", { kind: "allow", key: "a" });
      await pool().retryCallbacks(ctx, { filter: {} });
      await pool().retryCallbacks(ctx, id);
    });
    await drain();
    expect(await effects(t, "completed")).toHaveLength(1);
  });
});
