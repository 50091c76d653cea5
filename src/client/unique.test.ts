/** Unique works and options of each item, as apps use them. */
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
import { enqueueUnique, type UniqueOptions } from "./unique.js";

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
const unique: UniqueOptions = { key: "k", scope: "active" };

describe("enqueueUnique", () => {
  test("enqueues actions, mutations and queries once by their keys", async () => {
    const outcomes = await mutate(t, async (ctx) => {
      const own = pool();
      const by = (key: string) => ({
        unique: { ...unique, key },
        onComplete: jobs.completed as any,
      });
      const args = { key: "a" };
      const twice = async <T>(call: () => Promise<T>) => [
        await call(),
        await call(),
      ];
      return [
        await twice(() =>
          own.enqueueUniqueAction(ctx, jobs.act!, args, by("action")),
        ),
        await twice(() =>
          own.enqueueUniqueMutation(ctx, jobs.mutate!, args, by("mutation")),
        ),
        await twice(() =>
          own.enqueueUniqueQuery(ctx, jobs.read!, args, by("query")),
        ),
        await twice(() =>
          enqueueUnique(
            component,
            ctx,
            "action",
            jobs.act!,
            args,
            by("direct"),
          ),
        ),
      ];
    });
    for (const [first, second] of outcomes) {
      expect(first).toMatchObject({ isNew: true, replaced: false });
      expect(second).toEqual({ ...first, isNew: false });
    }
    await drain();
    expect(await effects(t, "completed")).toHaveLength(4);
  });

  test("debounces: the first waits as long as the delay, too", async () => {
    const debounced = (key: string) =>
      mutate(t, (ctx) =>
        pool().enqueueUniqueAction(
          ctx,
          jobs.act!,
          { key },
          {
            unique: {
              key: "k",
              scope: "waiting",
              onDuplicate: "replace",
              delayMs: 1_000,
            },
          },
        ),
      );
    await debounced("first");
    await vi.advanceTimersByTimeAsync(900);
    await debounced("second");
    await vi.advanceTimersByTimeAsync(900);
    expect(await effects(t, "attempt")).toEqual([]);
    await drain();
    expect((await effects(t, "attempt")).map(({ key }) => key)).toEqual([
      "second",
    ]);
  });

  test("moves the work that waits where the duplicate says when to run", async () => {
    const at = (key: string, runAfter: number) =>
      mutate(t, (ctx) =>
        pool().enqueueUniqueAction(
          ctx,
          jobs.act!,
          { key },
          {
            runAfter,
            unique: { key: "k", scope: "waiting", onDuplicate: "replace" },
          },
        ),
      );
    const { id } = await at("first", 3_600_000);
    expect(await at("second", 0)).toEqual({ id, isNew: false, replaced: true });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await effects(t, "attempt")).toHaveLength(1);
  });

  test("of a mutation by itself, while it runs, has one more run follow it", async () => {
    await mutate(t, (ctx) =>
      pool().enqueueUniqueMutation(
        ctx,
        jobs.mutateAgain!,
        { key: "first" },
        { unique: { ...unique, key: "again", onDuplicate: "runAgain" } },
      ),
    );
    await drain();
    expect((await effects(t, "mutation")).map(({ key }) => key)).toEqual([
      "first",
      "second",
    ]);
  });

  test.each<[unknown, string]>([
    [undefined, "enqueueUniqueAction needs unique: { key, scope }"],
    [{}, "enqueueUniqueAction needs unique: { key, scope }"],
    [{ unique: "k" }, "unique must be an object with key and scope"],
    [{ unique: { scope: "active" } }, "unique.key must be a string of 1 to"],
    [
      { unique: { key: "k" } },
      'unique.scope must be one of "waiting", "active", "retained", or { windowMs: … }, not undefined',
    ],
    [
      { unique: { key: "k", scope: { windowms: 1 } } },
      'Did you mean "windowMs"',
    ],
    [
      { unique: { ...unique, onConflict: "return" } },
      'unique has no field "onConflict". Did you mean "onDuplicate"?',
    ],
    [{ unique: { ...unique, onDuplicate: "skip" } }, "unique.onDuplicate must"],
    [{ unique, uniq: 1 }, 'enqueueUniqueAction has no option "uniq"'],
    [
      { unique: { ...unique, scope: "retained" }, statusTtl: { success: 5 } },
      'unique.scope "retained" needs a statusTtl that keeps outcomes of every kind',
    ],
  ])("refuses %j", async (options, message) => {
    await expect(
      mutate(t, (ctx) =>
        pool().enqueueUniqueAction(
          ctx,
          jobs.act!,
          { key: "a" },
          options as any,
        ),
      ),
    ).rejects.toThrow(message);
  });

  test("is suggested to who gives a unique key to an ordinary enqueue", async () => {
    await expect(
      mutate(t, (ctx) =>
        pool().enqueueAction(ctx, jobs.act!, { key: "a" }, { unique } as any),
      ),
    ).rejects.toThrow('enqueueAction has no option "unique"');
  });
});

describe("a batch", () => {
  test("takes options of each item", async () => {
    const ids = await mutate(t, (ctx) =>
      pool().enqueueActionBatch(
        ctx,
        jobs.act!,
        [{ key: "a" }, { key: "b" }, { key: "c" }],
        ({ key }: any, index) => ({
          name: `the ${key}`,
          tags: [`item ${index}`],
          runAfter: index * 60_000,
          ...(index === 1
            ? { onComplete: jobs.completed as any, context: { key } }
            : {}),
        }),
      ),
    );
    const infos = await t.query(async (ctx) =>
      Promise.all(ids.map((id) => pool().get(ctx as any, id))),
    );
    expect(infos).toMatchObject([
      { fnName: "the a", tags: ["item 0"] },
      { fnName: "the b", tags: ["item 1"], state: "pending" },
      { fnName: "the c", tags: ["item 2"], state: "pending" },
    ]);
    expect(infos[2]!.dueAt! - infos[1]!.dueAt!).toBe(60_000);
    await drain();
    expect((await effects(t, "completed")).map(({ key }) => key)).toEqual([
      "b",
    ]);
  });

  test.each<[string, (index: number) => object, string]>([
    [
      "a value",
      (index) => (index === 2 ? { runAfter: NaN } : {}),
      "Item 3 of the batch of 4: runAfter must be a finite number",
    ],
    [
      "a name",
      (index) => (index === 1 ? { tagz: [] } : {}),
      'Item 2 of the batch of 4: enqueueActionBatch has no option "tagz". Did you mean "tags"?',
    ],
    [
      "a retry",
      (index) => (index === 3 ? { retry: { maxAttempts: 0 } } : {}),
      "Item 4 of the batch of 4: retry",
    ],
    [
      "options that nobody awaited",
      (index) => (index === 1 ? Promise.resolve({ tags: ["a"] }) : {}),
      "Item 2 of the batch of 4: The options of enqueueActionBatch must be an object, not a Promise.",
    ],
    [
      "an exception that is no error",
      (index) => {
        if (index === 1) throw "nothing";
        return {};
      },
      'Item 2 of the batch of 4: "nothing"',
    ],
  ])("says which item has %s that is refused", async (_, of, message) => {
    await expect(
      mutate(t, (ctx) =>
        pool().enqueueActionBatch(
          ctx,
          jobs.act!,
          [..."abcd"].map((key) => ({ key })),
          (_args, index) => of(index) as any,
        ),
      ),
    ).rejects.toThrow(message);
  });

  test("of mutations and of queries takes options of each item, too", async () => {
    const ids = await mutate(t, async (ctx) => [
      ...(await pool().enqueueMutationBatch(
        ctx,
        jobs.mutate!,
        [{ key: "a" }],
        () => ({ name: "m" }),
      )),
      ...(await pool().enqueueQueryBatch(
        ctx,
        jobs.read!,
        [{ key: "a" }],
        () => ({ name: "q" }),
      )),
    ]);
    const infos = await t.query(async (ctx) =>
      Promise.all(ids.map((id) => pool().get(ctx as any, id))),
    );
    expect(infos.map((info) => info!.fnName)).toEqual(["m", "q"]);
  });

  test("with many tags goes in smaller calls", async () => {
    const calls: number[] = [];
    const ctx = {
      runQuery: async () => null,
      runMutation: async (_: unknown, { items }: any) => {
        calls.push(items.length);
        return items.map(() => "id");
      },
    };
    const argsArray = Array.from({ length: 1_000 }, () => ({ key: "a" }));
    const fn = "function://act" as any;
    await pool().enqueueActionBatch(ctx as any, fn, argsArray, {
      tags: ["a", "b", "c"],
    });
    expect(calls).toEqual([500, 500]);
  });
});
