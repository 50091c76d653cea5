/** What people do to works afterwards, on the whole component. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { textOf } from "../testing/component.js";
import {
  appFunction,
  ended,
  failure,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../testing/protocol.js";
import { api, internal } from "./_generated/api.js";
import type { Doc, Id } from "./_generated/dataModel.js";
import { DAY, HOUR, MINUTE, SECOND } from "./shared.js";
import type { Item } from "./work/enqueue.js";

let pool: ProtocolTest;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
  pool = new ProtocolTest();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const { works } = api;
const retry = (id: string, options: Record<string, unknown> = {}) =>
  pool.t.mutation(works.retry, { id, ...options });
const retryMany = (filter: object, options: Record<string, unknown> = {}) =>
  pool.t.mutation(works.retryMany, { filter, ...options });
const action = (key: string, changes: Partial<Item> = recorded(key)) =>
  job("action", "act", { key }, changes);

/** Runs everything that is due, by a hand that leaves when `end` has told how each ended. */
async function runAll(
  end: (
    attempt: ReturnType<HandExecutor["attempts"]>[number],
  ) => Parameters<typeof ended>[1],
): Promise<void> {
  // So late that nobody takes it for a busy pool.
  vi.setSystemTime(Date.now() + 5 * SECOND);
  const executor = await pool.startByHand();
  const results = executor
    .attempts()
    .map((attempt) => ended(attempt, end(attempt)));
  await executor.report(results, { closing: true });
  await executor.becomes({ kind: "success" });
}
const failAll = (error?: string) => runAll(() => failure(error));
const succeedAll = () => runAll(() => ({ kind: "success", returnValue: 1 }));

async function failed(...items: Item[]): Promise<Id<"work">[]> {
  const ids = await pool.enqueue(items);
  await failAll();
  return ids;
}
async function nextPage(): Promise<boolean> {
  const [operation] = await pool.rows("operation");
  if (!operation) return false;
  await pool.t.mutation(internal.work.operation.nextPage, {
    operationId: operation._id,
  });
  return true;
}
const workRow = (id: string) =>
  pool.run((ctx) => ctx.db.get("work", id as Id<"work">));

describe("a failed work that is tried again", () => {
  test("is the same work in another round: it runs with its arguments, and its callback with its context", async () => {
    const [id] = await failed(action("a"));
    expect((await pool.outcomes())["a"]).toEqual([
      { kind: "failed", error: "Error: no luck" },
    ]);
    const before = await workRow(id!);

    expect(await retry(id!)).toEqual({ matched: 1, skipped: 0, isDone: true });
    expect(await pool.status(id!)).toEqual({
      state: "pending",
      previousAttempts: 0,
    });
    expect(await pool.get(id!)).toMatchObject({ state: "pending", round: 1 });
    expect(await pool.rows("complete")).toEqual([]);
    expect((await workRow(id!))!.fence).toBe(before!.fence! + 1);

    const executor = await pool.startByHand();
    const [attempt] = executor.attempts();
    expect(attempt).toMatchObject({ workId: id, fnArgs: { key: "a" } });
    await executor.report([ended(attempt!)], { closing: true });
    expect((await pool.outcomes())["a"]).toEqual([
      { kind: "failed", error: "Error: no luck" },
      { kind: "success", returnValue: "done" },
    ]);
    expect(await pool.rows("work")).toEqual([]);
    expect(await pool.rows("complete")).toEqual([]);
  });

  test("wakes a pool that is idle, which runs it", async () => {
    const [id] = await pool.enqueue([
      job("action", "act", { key: "a", failures: 1 }, recorded("a")),
    ]);
    await pool.drain();
    expect(await pool.rows("runStatus")).toMatchObject([
      { state: { kind: "idle" } },
    ]);
    await retry(id!);
    await pool.drain();
    expect((await pool.outcomes())["a"]).toMatchObject([
      { kind: "failed" },
      { kind: "success" },
    ]);
  });

  test("has its attempts anew, unless they are to count", async () => {
    const retryBehavior = { maxAttempts: 3, initialBackoffMs: 0, base: 1 };
    const [a, b] = await pool.enqueue([
      action("a", { retryBehavior }),
      action("b", { retryBehavior }),
    ]);
    for (let n = 0; n < 3; n++) {
      await failAll();
    }
    expect(await pool.get(a!)).toMatchObject({ attempts: 3 });
    await retry(a!);
    await retry(b!, { resetAttempts: false });
    expect((await workRow(a!))!.attempts).toBeUndefined();
    expect((await workRow(b!))!.attempts).toBe(3);
    await failAll();
    expect(await pool.status(a!)).toMatchObject({ previousAttempts: 1 });
    expect(await pool.get(b!)).toMatchObject({
      state: "finished",
      attempts: 4,
    });
  });

  test("waits as long as it is told", async () => {
    const [id] = await failed(action("a"));
    await retry(id!, { delayMs: HOUR });
    expect(await pool.get(id!)).toMatchObject({ dueAt: Date.now() + HOUR });
    await pool.tick();
    expect(await pool.status(id!)).toMatchObject({ state: "pending" });
  });

  test("gets nothing from a late result of the round before", async () => {
    const [id] = await pool.enqueue([action("a")]);
    const executor = await pool.startOpenByHand();
    const [attempt] = executor.attempts();
    await executor.report([ended(attempt!, failure())]);
    await retry(id!);
    await executor.report([ended(attempt!)], { closing: true });
    expect(await pool.status(id!)).toMatchObject({ state: "pending" });
  });

  test("keeps large arguments and a large context over its rounds, and no longer", async () => {
    const [id] = await failed(
      job(
        "action",
        "act",
        { key: "a", padding: textOf(20_000) },
        {
          onComplete: {
            fnHandle: appFunction("completed"),
            context: { key: "a", text: textOf(20_000) },
          },
        },
      ),
    );
    expect(await pool.rows("payload")).toHaveLength(2);
    for (let round = 0; round < 2; round++) {
      await retry(id!);
      await failAll();
    }
    expect((await pool.outcomes())["a"]).toHaveLength(3);
    expect(await pool.get(id!)).toMatchObject({ round: 2 });
    await retry(id!);
    await succeedAll();
    expect(await pool.rows("payload")).toEqual([]);
  });

  test("begins although the time by which it was to begin has passed", async () => {
    const expireAt = Date.now() + MINUTE;
    const [id] = await failed(action("a", { ...recorded("a"), expireAt }));
    vi.setSystemTime(expireAt + HOUR);
    await retry(id!);
    await succeedAll();
    expect((await pool.outcomes())["a"]).toMatchObject([
      { kind: "failed" },
      { kind: "success" },
    ]);
  });

  test("is left alone while its callback is owed, and that is said", async () => {
    const [id] = await failed(
      action("a", recorded("a", "completedWhenAllowed")),
    );
    expect(await retry(id!)).toEqual({
      matched: 0,
      skipped: 1,
      isDone: true,
      why: expect.stringContaining("still owed"),
    });
    await pool.allow("a");
    await pool.drain();
    expect(await retry(id!)).toMatchObject({ matched: 1 });
  });

  test("may be so by its own callback, in the same transaction", async () => {
    const handle = "function://;works:retry";
    const onComplete = (id: string) => ({
      fnHandle: appFunction("completedCalling"),
      context: { key: "a", calls: [{ handle, args: { id } }] },
    });
    const [id] = await pool.enqueue([action("a")]);
    await pool.run(async (ctx) => {
      await ctx.db.patch("work", id!, { onComplete: onComplete(id!) });
    });
    await failAll();
    expect(await pool.get(id!)).toMatchObject({ state: "pending", round: 1 });
    expect(await pool.rows("complete")).toEqual([]);
    await succeedAll();
    expect((await pool.outcomes())["a"]).toMatchObject([
      { kind: "failed" },
      { kind: "success" },
    ]);
  });
});

describe("what cannot be tried again is left alone, and it is said why", () => {
  test("a work that has not ended", async () => {
    const [id] = await pool.enqueue([action("a")]);
    expect(await retry(id!)).toMatchObject({
      skipped: 1,
      why: "It has not ended.",
    });
  });
  test("one that has succeeded", async () => {
    const [id] = await pool.enqueue([action("a", { statusTtl: DAY })]);
    await succeedAll();
    expect(await retry(id!)).toMatchObject({
      skipped: 1,
      why: "It has not failed: it ended as success.",
    });
  });
  test("one whose outcome is not kept, or no longer, or that never was", async () => {
    const [gone, expired] = await failed(
      action("a", { statusTtl: 0 }),
      action("b", { statusTtl: MINUTE }),
    );
    vi.setSystemTime(Date.now() + HOUR);
    for (const id of [gone!, expired!, "nonsense"]) {
      expect(await retry(id)).toEqual({ matched: 0, skipped: 0, isDone: true });
    }
  });
  test("one of which only the callback that was given up is kept", async () => {
    const [id] = await failed(
      action("a", {
        statusTtl: 0,
        ...recorded("a", "completedWhenAllowed"),
      }),
    );
    await pool.drain();
    expect(await pool.get(id!)).toMatchObject({
      callback: { state: "failed" },
    });
    expect(await retry(id!)).toMatchObject({
      skipped: 1,
      why: expect.stringContaining("not kept"),
    });
  });
});

describe("retry by filter", () => {
  /** So many that fail at once; with nothing that tells of it but their outcomes. */
  async function failMany(
    count: number,
    changes: Partial<Item> = {},
  ): Promise<Id<"work">[]> {
    const ids = await pool.enqueue(
      Array.from({ length: count }, (_, n) =>
        job("mutation", "mutate", { key: `w${n}`, fail: true }, changes),
      ),
      { maxParallelism: 100 },
    );
    await pool.drain();
    return ids;
  }

  test("begins another round of all that have failed, a page at a time", async () => {
    const ids = await failMany(230);
    pool.moment();
    expect(await retryMany({})).toMatchObject({ matched: 100, isDone: false });
    expect(await pool.t.query(works.operations, {})).toMatchObject([
      { kind: "retry", matched: 100, skipped: 0 },
    ]);
    await nextPage();
    expect(await pool.t.query(works.operations, {})).toMatchObject([
      { matched: 200 },
    ]);
    await nextPage();
    expect(await nextPage()).toBe(false);
    expect(await pool.rows("complete")).toEqual([]);
    const rows = await pool.rows("work");
    expect(rows.map(({ round }) => round)).toEqual(ids.map(() => 1));
    // In entries, as a batch that is enqueued.
    expect((await pool.rows("pendingStart")).length).toBeLessThan(12);
  });

  test("begins one round for a unique key, of several works that have failed with it", async () => {
    const failOne = async () => {
      await pool.t.mutation(api.unique.enqueue, {
        ...action("a"),
        unique: { key: "k", scope: "active" },
        config: {},
      });
      await failAll();
    };
    await failOne();
    await failOne();
    expect(await retryMany({})).toMatchObject({
      matched: 1,
      skipped: 1,
      why: expect.stringContaining("unique key"),
    });
  });

  test("goes on by itself, and leaves alone what fails meanwhile", async () => {
    await pool.enqueue(
      Array.from({ length: 120 }, (_, n) =>
        // The clock of a test stands still where nothing waits for it.
        job("action", "act", { key: `w${n}`, failures: 9, ms: 20 }),
      ),
      { maxParallelism: 100 },
    );
    await pool.drain();
    await retryMany({});
    await pool.drain();
    const rows = await pool.rows("work");
    expect(rows.map(({ round }) => round)).toEqual(rows.map(() => 1));
    expect(rows).toHaveLength(120);
    expect(await pool.rows("complete")).toHaveLength(120);
  });

  test("by function, by time and by reason", async () => {
    const [early] = await failed(action("early", { fnName: "one" }));
    vi.setSystemTime(Date.now() + MINUTE);
    const between = Date.now();
    vi.setSystemTime(Date.now() + MINUTE);
    const [late, other] = await failed(
      action("late", { fnName: "one" }),
      action("other", { fnName: "two" }),
    );
    await pool.run(async (ctx) => {
      const row = await ctx.db
        .query("complete")
        .withIndex("by_work", (q) => q.eq("workId", other!))
        .unique();
      await ctx.db.patch("complete", row!._id, { reason: "timedOut" });
    });
    pool.moment();
    const pending = async () =>
      Promise.all(
        [early, late, other].map(
          async (id) => (await pool.status(id!)).state === "pending",
        ),
      );
    await retryMany({ reason: "timedOut" });
    expect(await pending()).toEqual([false, false, true]);
    await retryMany({ fnName: "one", before: between });
    expect(await pending()).toEqual([true, false, true]);
    await retryMany({ fnName: "two", after: between });
    await retryMany({ fnName: "one", before: between, after: between });
    expect(await pending()).toEqual([true, false, true]);
    expect(await retryMany({ fnName: "one", after: between })).toMatchObject({
      matched: 1,
    });
  });

  test("passes what it is not for in pages that end", async () => {
    await failMany(260, { fnName: "one" });
    pool.moment();
    expect(await retryMany({ reason: "expired" })).toEqual({
      matched: 0,
      skipped: 0,
      isDone: false,
    });
    await nextPage();
    expect(await nextPage()).toBe(false);
  });

  test("spreads them over a time", async () => {
    await failMany(50);
    pool.moment();
    await retryMany({}, { delayMs: MINUTE, spreadMs: HOUR });
    const dueAts = (await pool.rows("pendingStart")).map(({ dueAt }) => dueAt);
    const now = Date.now();
    expect(Math.min(...dueAts)).toBeGreaterThanOrEqual(now + MINUTE);
    expect(Math.max(...dueAts)).toBeLessThanOrEqual(now + MINUTE + HOUR);
    expect(
      new Set(dueAts.map((at) => Math.floor(at / MINUTE))).size,
    ).toBeGreaterThan(15);
  });

  test.each([
    ["cancelAll", () => pool.t.mutation(api.lib.cancelAll, {})],
    [
      "cancelMany of the same function",
      () =>
        pool.t.mutation(works.cancelMany, {
          filter: { fnName: "jobs:mutate" },
        }),
    ],
  ])("is stopped by %s", async (_, cancel) => {
    await failMany(130);
    pool.moment();
    await retryMany({});
    const [operation] = await pool.rows("operation");
    await cancel();
    expect(await pool.t.query(works.operations, {})).toEqual([]);
    // Only that: its pages write the same row, and a short transaction has a chance against them.
    expect(
      (await pool.rows("work")).filter(({ endedAt }) => endedAt === undefined),
    ).toHaveLength(100);
    await pool.drain();
    await pool.t.mutation(internal.work.operation.nextPage, {
      operationId: operation!._id,
    });
    expect(
      (await pool.rows("work")).filter(({ round }) => round !== undefined),
    ).toEqual([]);
    expect(await pool.rows("complete")).toHaveLength(30);
  });

  test("is not stopped by cancelMany of another function", async () => {
    await failMany(130);
    pool.moment();
    await retryMany({ fnName: "jobs:mutate" });
    await pool.t.mutation(works.cancelMany, { filter: { fnName: "other" } });
    expect(await pool.rows("operation")).toHaveLength(1);
  });

  test("within a scheduled function that was canceled, changes nothing", async () => {
    await failMany(130);
    pool.moment();
    await expect(
      pool.run(async (ctx) => {
        // As Convex does it there: what is scheduled is born canceled.
        const { scheduler } = ctx;
        const born = async (...args: unknown[]) => {
          const id = await (scheduler.runAfter as any)(...args);
          await scheduler.cancel(id);
          return id;
        };
        const { startOperation } = await import("./work/operation.js");
        const { createLogger } = await import("./logging.js");
        await startOperation(
          { ...ctx, scheduler: { ...scheduler, runAfter: born } } as any,
          createLogger("ERROR"),
          { kind: "forget", filter: {} },
        );
      }),
    ).rejects.toThrow("Nothing was changed");
    expect(await pool.rows("complete")).toHaveLength(130);
    expect(await pool.rows("operation")).toEqual([]);
  });
});

describe("callbacks that were given up", () => {
  async function givenUp(key: string): Promise<string> {
    const [id] = await pool.enqueue([
      job("action", "act", { key }, recorded(key, "completedWhenAllowed")),
    ]);
    await succeedAll();
    await pool.drain();
    expect(await pool.get(id!)).toMatchObject({
      callback: { state: "failed" },
    });
    return id!;
  }

  test("are tried again with their context, by id", async () => {
    const id = await givenUp("a");
    await pool.allow("a");
    expect(await pool.t.mutation(works.retryCallback, { id })).toMatchObject({
      matched: 1,
    });
    await pool.drain();
    expect((await pool.outcomes())["a"]).toEqual([
      { kind: "success", returnValue: 1 },
    ]);
    expect(await pool.rows("complete")).toEqual([]);
  });

  test("get a fresh set of tries", async () => {
    const id = await givenUp("a");
    await pool.t.mutation(works.retryCallbacks, { filter: {} });
    await pool.pass(MINUTE);
    expect((await pool.get(id))!.callback).toMatchObject({ state: "owed" });
    await pool.allow("a");
    await pool.drain();
    expect(await pool.get(id)).toBeNull();
  });

  test("and those that are owed are sent at once by filter, each once", async () => {
    const failedOne = await givenUp("a");
    const [owed] = await pool.enqueue([
      job("action", "act", { key: "b" }, recorded("b", "completedWhenAllowed")),
    ]);
    await succeedAll();
    await pool.pass(5 * MINUTE);
    await pool.allow("a");
    await pool.allow("b");
    expect(
      await pool.t.mutation(works.retryCallbacks, { filter: {} }),
    ).toMatchObject({ matched: 2, isDone: true });
    await pool.pass(SECOND);
    expect(await pool.get(failedOne)).toBeNull();
    expect(await pool.get(owed!)).toBeNull();
    const outcomes = await pool.outcomes();
    expect(outcomes).toMatchObject({ a: [{}], b: [{}] });
  });
});

describe("forgetting", () => {
  const forget = (id: string) => pool.t.mutation(works.forget, { id });

  test("removes an outcome with all that is kept of its work", async () => {
    const [id] = await failed(
      job(
        "action",
        "act",
        { key: "a", padding: textOf(20_000) },
        recorded("a"),
      ),
    );
    expect(await forget(id!)).toEqual({ matched: 1, skipped: 0, isDone: true });
    for (const table of ["work", "complete", "payload"] as const) {
      expect(await pool.rows(table)).toEqual([]);
    }
    expect(await pool.get(id!)).toBeNull();
  });

  test("skips a work whose callback is owed, and one that has not ended", async () => {
    const [owed] = await failed(
      action("a", recorded("a", "completedWhenAllowed")),
    );
    const [waiting] = await pool.enqueue([action("b")]);
    expect(await forget(owed!)).toMatchObject({
      skipped: 1,
      why: expect.stringContaining("still owed"),
    });
    expect(await forget(waiting!)).toMatchObject({ skipped: 1 });
    expect(await pool.rows("complete")).toHaveLength(1);
  });

  test("by filter: outcomes of one kind, of one function, or all", async () => {
    const statusTtl = DAY;
    await pool.enqueue([
      action("a", { statusTtl, fnName: "one" }),
      action("b", { statusTtl, fnName: "two" }),
    ]);
    await succeedAll();
    await failed(
      action("c", { fnName: "one" }),
      action("d", { fnName: "two" }),
    );
    pool.moment();
    const left = async () =>
      (await pool.rows("complete"))
        .map(({ fnName, result }) => `${fnName} ${result.kind}`)
        .sort();
    const forgetMany = (filter: object) =>
      pool.t.mutation(works.forgetMany, { filter });
    await forgetMany({ fnName: "one", state: "success" });
    expect(await left()).toEqual(["one failed", "two failed", "two success"]);
    await forgetMany({ fnName: "two" });
    expect(await left()).toEqual(["one failed"]);
    await forgetMany({});
    expect(await left()).toEqual([]);
    expect(await pool.rows("work")).toEqual([]);
  });

  test("in pages that hold what is large", async () => {
    const large = Array.from({ length: 8 }, (_, n) =>
      job("action", "act", { key: `w${n}`, padding: textOf(600_000) }),
    );
    for (const each of large) await failed(each);
    pool.moment();
    const first = await pool.t.mutation(works.forgetMany, { filter: {} });
    expect(first.isDone).toBe(false);
    expect(first.matched).toBeLessThan(5);
    while (await nextPage());
    expect(await pool.rows("payload")).toEqual([]);
  });
});

describe("cancel says what it did", () => {
  const cancel = (id: string, running?: "abandon") =>
    pool.t.mutation(api.lib.cancel, { id, ...(running ? { running } : {}) });

  test("canceled, signaled, ended or unknown", async () => {
    const [waits, runs] = await pool.enqueue([
      action("a", { runAt: Date.now() + HOUR }),
      action("b"),
    ]);
    await pool.startOpenByHand();
    expect(await cancel(waits!)).toBe("canceled");
    expect(await cancel(waits!)).toBe("unknown");
    expect(await cancel(runs!)).toBe("signaled");
    expect(await cancel("nonsense")).toBe("unknown");
    const [over] = await pool.enqueue([
      action("c", { runAt: Date.now() + HOUR, statusTtl: DAY }),
    ]);
    await cancel(over!);
    expect(await cancel(over!)).toBe("ended");
  });

  test("what runs is abandoned: it ends now, its callback is told, and its late result changes nothing", async () => {
    const [id] = await pool.enqueue([
      action("a", { ...recorded("a"), statusTtl: DAY }),
    ]);
    const executor = await pool.startOpenByHand();
    const [attempt] = executor.attempts();
    expect(await cancel(id!, "abandon")).toBe("canceled");
    expect(await pool.get(id!)).toMatchObject({
      state: "finished",
      result: { kind: "canceled" },
      reason: "abandoned",
    });
    // Its slot is taken until the handler ends.
    await executor.report([]);
    expect(await executor.stats()).toMatchObject({ open: [{ left: [0] }] });
    await executor.report([ended(attempt!)], { closing: true });
    await pool.drain();
    expect((await pool.outcomes())["a"]).toEqual([{ kind: "canceled" }]);
    expect(await pool.get(id!)).toMatchObject({ result: { kind: "canceled" } });
  });

  test("what was abandoned is not settled again when its worker is lost", async () => {
    const [id] = await pool.enqueue([action("a", recorded("a"))]);
    const executor = await pool.startOpenByHand();
    await executor.report([]);
    await cancel(id!, "abandon");
    await executor.becomes({ kind: "failed", error: "gone" });
    await pool.guard();
    await pool.drain();
    expect((await pool.outcomes())["a"]).toEqual([{ kind: "canceled" }]);
    expect(await pool.rows("work")).toEqual([]);
    expect(await pool.rows("pendingStart")).toEqual([]);
  });
});

test("cancelMany cancels works of one function, enqueued between two times", async () => {
  const runAt = Date.now() + DAY;
  const enqueue = async (fnName: string) => {
    const [id] = await pool.enqueue([action("a", { fnName, runAt })]);
    vi.setSystemTime(Date.now() + SECOND);
    return id!;
  };
  const ids: string[] = [];
  for (const name of ["one", "two", "one"]) ids.push(await enqueue(name));
  const before = Date.now();
  for (const name of ["one", "two", "one"]) ids.push(await enqueue(name));
  const states = () =>
    Promise.all(ids.map(async (id) => (await pool.status(id)).state));
  expect(
    await pool.t.mutation(works.cancelMany, {
      filter: { fnName: "one", before },
    }),
  ).toEqual({ matched: 2, skipped: 0, isDone: true });
  expect(await states()).toEqual([
    "finished",
    "pending",
    "finished",
    "pending",
    "pending",
    "pending",
  ]);
  await pool.t.mutation(works.cancelMany, { filter: { after: before } });
  expect(await states()).toEqual([
    "finished",
    "pending",
    ...Array(4).fill("finished"),
  ]);
});

describe("a work that waits", () => {
  const update = (id: string, runAt: number) =>
    pool.t.mutation(works.update, { id, runAt });

  test("is postponed, and runs then", async () => {
    const [id, other] = await pool.enqueue([
      job("mutation", "mutate", { key: "a" }),
      job("mutation", "mutate", { key: "b" }),
    ]);
    expect(await update(id!, Date.now() + HOUR)).toBe("updated");
    await pool.pass(MINUTE);
    expect(await pool.effects("mutation")).toMatchObject([{ key: "b" }]);
    expect(await pool.status(other!)).toEqual({ state: "finished" });
    await pool.pass(HOUR);
    expect(await pool.effects("mutation")).toHaveLength(2);
  });

  test("is run now, in a pool that sleeps until it is due", async () => {
    const [id] = await pool.enqueue([
      job("mutation", "mutate", { key: "a" }, { runAt: Date.now() + DAY }),
    ]);
    await pool.pass(MINUTE);
    expect(await update(id!, Date.now())).toBe("updated");
    await pool.pass(10 * SECOND);
    expect(await pool.effects("mutation")).toHaveLength(1);
  });

  test("may wait for another attempt", async () => {
    const retryBehavior = { maxAttempts: 2, initialBackoffMs: DAY, base: 1 };
    const [id] = await pool.enqueue([action("a", { retryBehavior })]);
    await failAll();
    expect(await update(id!, Date.now())).toBe("updated");
    await succeedAll();
    expect(await pool.status(id!)).toEqual({ state: "finished" });
  });

  test("is not postponed beyond the time by which it expires", async () => {
    const expireAt = Date.now() + HOUR;
    const [id] = await pool.enqueue([action("a", { expireAt })]);
    await expect(update(id!, expireAt + 1)).rejects.toThrow("would expire");
    expect(await update(id!, expireAt - 1)).toBe("updated");
  });

  test("is no longer so, and that is said", async () => {
    const [runs] = await pool.enqueue([action("a")]);
    await pool.startOpenByHand();
    expect(await update(runs!, Date.now() + HOUR)).toBe("running");
    expect(await update("nonsense", Date.now())).toBe("unknown");
  });
});

test("get tells more of a work that has failed", async () => {
  const [id] = await pool.enqueue([action("a", {})]);
  await failAll(
    "Uncaught Error: no seats left\n    at reserve (../convex/seats.ts:12:9)\n    at async handler (../convex/bookings.ts:30:5)\n",
  );
  const past = { number: 1, endedAt: 5, error: "Error: first" };
  await pool.run(async (ctx) => {
    const row: Doc<"complete"> = (await ctx.db.query("complete").unique())!;
    await ctx.db.patch("complete", row._id, {
      reason: "workerLost",
      errorData: 7,
    });
    await ctx.db.patch("work", id!, { history: [past] });
  });
  expect(await pool.get(id!)).toMatchObject({
    error: "Error: no seats left",
    reason: "workerLost",
    errorData: 7,
    history: [past],
  });
});

test("get inside onComplete returns the outcome, if it is kept", async () => {
  const [id] = await pool.enqueue([
    action("a", {
      onComplete: {
        fnHandle: appFunction("completedAsking"),
        context: { key: "a", status: "function://;lib:get" },
      },
    }),
  ]);
  await failAll();
  expect(await pool.effects("asked")).toMatchObject([
    {
      detail: {
        workId: id,
        state: "finished",
        result: { kind: "failed", error: "Error: no luck" },
      },
    },
  ]);
});

describe("refused, before anything is written:", () => {
  test.each<[string, () => Promise<unknown>]>([
    ["delayMs must be a number", () => retry("x", { delayMs: -1 })],
    ["spreadMs must be a number", () => retryMany({}, { spreadMs: Infinity })],
    ["before must be a finite number", () => retryMany({ before: NaN })],
    [
      'The filter of retry has no field "state"',
      () => retryMany({ state: "failed" }),
    ],
    ["fnName must be the name", () => retryMany({ fnName: "" })],
    [
      "runAt must be a finite number",
      () => pool.t.mutation(works.update, { id: "x", runAt: NaN }),
    ],
    [
      "numItems must be an integer of at least 1",
      () =>
        pool.t.query(works.list, {
          paginationOpts: { numItems: 0, cursor: null },
        }),
    ],
    [
      "paginationOpts.cursor must be null or the continueCursor",
      () =>
        pool.t.query(works.list, {
          paginationOpts: { numItems: 1, cursor: "here" },
        }),
    ],
  ])("%s", async (message, call) => {
    await expect(call()).rejects.toThrow(message);
  });
});
