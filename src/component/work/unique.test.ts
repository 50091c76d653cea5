import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, internal } from "../_generated/api.js";
import type { Id } from "../_generated/dataModel.js";
import type { Unique } from "../identity.js";
import { DAY, HOUR, MINUTE, SECOND } from "../shared.js";
import {
  ended,
  failure,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import type { Item } from "./enqueue.js";
import { enqueueUnique, takeKeyAgain } from "./unique.js";

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

const act = (key: string, changes: Partial<Item> = {}) =>
  job("action", "act", { key }, changes);

function enqueue(
  item: Item,
  unique: Partial<Unique> = {},
): Promise<{ id: Id<"work">; isNew: boolean; replaced: boolean }> {
  return pool.t.mutation(api.unique.enqueue, {
    ...item,
    unique: { key: "k", scope: "active", ...unique },
    config: { logLevel: "WARN" },
  });
}
const dueAt = async () =>
  (await pool.rows("pendingStart")).map((entry) => entry.dueAt);
const argsOf = async (id: Id<"work">) => (await pool.work(id))!.fnArgs;

describe("a key is held", () => {
  test("by one work at a time, and by another key's not at all", async () => {
    const first = await enqueue(act("a"));
    expect(first).toMatchObject({ isNew: true, replaced: false });
    expect(await enqueue(act("b"))).toEqual({
      id: first.id,
      isNew: false,
      replaced: false,
    });
    expect(await enqueue(act("c"), { key: "other" })).toMatchObject({
      isNew: true,
    });
    expect(await pool.rows("work")).toHaveLength(2);
  });

  test("in the scope waiting, until a worker is given the work", async () => {
    const waiting = { scope: "waiting" as const };
    const { id } = await enqueue(act("a"), waiting);
    expect(await enqueue(act("a"), waiting)).toMatchObject({ id });
    await pool.startByHand();
    expect(await enqueue(act("a"), waiting)).toMatchObject({ isNew: true });
  });

  test("in the scope waiting, not by a work that waits for a retry", async () => {
    const waiting = { scope: "waiting" as const };
    const retryBehavior = { maxAttempts: 3, initialBackoffMs: HOUR, base: 2 };
    await enqueue(act("a", { retryBehavior }), waiting);
    const executor = await pool.startByHand();
    await executor.report([ended(executor.attempts()[0]!, failure())]);
    expect(await enqueue(act("a"), waiting)).toMatchObject({ isNew: true });
  });

  test("in the scope active, until the work has ended", async () => {
    const { id } = await enqueue(act("a"));
    const executor = await pool.startByHand();
    expect(await enqueue(act("a"))).toMatchObject({ id, isNew: false });
    await executor.report([ended(executor.attempts()[0]!)]);
    expect(await enqueue(act("a"))).toMatchObject({ isNew: true });
  });

  test("in the scope active, not by a work that failed and is kept", async () => {
    await enqueue(act("a"));
    const executor = await pool.startByHand();
    await executor.report([ended(executor.attempts()[0]!, failure())]);
    expect(await pool.rows("work")).toHaveLength(1);
    expect(await enqueue(act("a"))).toMatchObject({ isNew: true });
  });

  test("in the scope retained, as long as the outcome is kept", async () => {
    const kept = { statusTtl: DAY };
    const retained = { scope: "retained" as const };
    const { id } = await enqueue(act("a", kept), retained);
    const executor = await pool.startByHand();
    await executor.report([ended(executor.attempts()[0]!)]);
    vi.setSystemTime(Date.now() + DAY - SECOND);
    expect(await enqueue(act("a", kept), retained)).toMatchObject({ id });
    vi.setSystemTime(Date.now() + 2 * SECOND);
    expect(await enqueue(act("a", kept), retained)).toMatchObject({
      isNew: true,
    });
  });

  test("in a window, for so long after the enqueue, whatever becomes of the work", async () => {
    const within = { scope: { windowMs: HOUR } };
    const { id } = await enqueue(act("a"), within);
    await pool.cancel(id);
    vi.setSystemTime(Date.now() + HOUR - SECOND);
    expect(await enqueue(act("a"), within)).toMatchObject({ id, isNew: false });
    vi.setSystemTime(Date.now() + 2 * SECOND);
    expect(await enqueue(act("a"), within)).toMatchObject({ isNew: true });
  });
});

describe("a duplicate that replaces", () => {
  const replace = { scope: "waiting", onDuplicate: "replace" } as const;

  test("leaves the id and the place in the queue, and takes the rest of the new call", async () => {
    const { id } = await enqueue(
      act("a", { ...recorded("a"), tags: ["old"] }),
      replace,
    );
    const [before] = await pool.rows("pendingStart");
    pool.moment();
    const padding = "p".repeat(20_000);
    const item = { ...act("b", { ...recorded("b"), tags: ["new"] }) };
    item.fnArgs = { key: "b", padding };
    expect(await enqueue(item, replace)).toEqual({
      id,
      isNew: false,
      replaced: true,
    });
    const [entry] = await pool.rows("pendingStart");
    expect(entry!._id).toBe(before!._id);
    expect(entry!.bytes).toEqual([expect.any(Number)]);
    expect((await pool.rows("tag")).map(({ tag }) => tag)).toEqual(["new"]);
    const executor = await pool.startByHand();
    const [attempt] = executor.attempts();
    expect(attempt!.fnArgs).toEqual({ key: "b", padding });
    await executor.report([ended(attempt!)]);
    expect(Object.keys(await pool.outcomes())).toEqual(["b"]);
    expect(await pool.rows("payload")).toEqual([]);
  });

  test("leaves nothing of large arguments and contexts that it replaced", async () => {
    const large = { key: "a", padding: "p".repeat(20_000) };
    const item = act("a", {
      fnArgs: large,
      onComplete: { ...recorded("a").onComplete, context: large },
    });
    await enqueue(item, replace);
    expect(await pool.rows("payload")).toHaveLength(2);
    await enqueue(act("b"), replace);
    expect(await pool.rows("payload")).toEqual([]);
  });

  test("moves the start to its delay, and not beyond the most after the first: debounce", async () => {
    const debounce = {
      ...replace,
      delayMs: 10 * SECOND,
      maxDelayMs: 25 * SECOND,
    };
    const start = Date.now();
    const { id } = await enqueue(act("1"), debounce);
    expect(await dueAt()).toEqual([start + 10 * SECOND]);
    for (const [at, due] of [
      [8, 18],
      [16, 25],
      [24, 25],
    ]) {
      vi.setSystemTime(start + at! * SECOND);
      const call = await enqueue(act(String(at)), debounce);
      expect(call).toEqual({ id, isNew: false, replaced: true });
      expect(await dueAt()).toEqual([start + due! * SECOND]);
    }
    expect(await argsOf(id)).toEqual({ key: "24" });
    expect(await pool.rows("work")).toHaveLength(1);
  });

  test("runs once, when the delay of the last is over", async () => {
    const debounce = { ...replace, delayMs: 10 * SECOND };
    for (let n = 0; n < 5; n++) {
      await enqueue(act(`call ${n}`), debounce);
      await pool.pass(4 * SECOND);
    }
    expect(await pool.effects("attempt")).toEqual([]);
    await pool.drain();
    expect((await pool.effects("attempt")).map(({ key }) => key)).toEqual([
      "call 4",
    ]);
  });

  test("that says when to run is moved there, and wakes the loop for it", async () => {
    await enqueue(act("late", { runAt: Date.now() + HOUR }), replace);
    await pool.pass(SECOND);
    await enqueue(act("now"), { ...replace, movesStart: true });
    await pool.pass(SECOND);
    expect((await pool.effects("attempt")).map(({ key }) => key)).toEqual([
      "now",
    ]);
  });

  test("changes nothing of a work that has begun", async () => {
    const { id } = await enqueue(act("a"));
    const executor = await pool.startByHand();
    expect(await enqueue(act("b"), { onDuplicate: "replace" })).toEqual({
      id,
      isNew: false,
      replaced: false,
    });
    expect(executor.attempts()[0]!.fnArgs).toEqual({ key: "a" });
    expect(await argsOf(id)).toEqual({ key: "a" });
  });
});

describe("a duplicate that runs again", () => {
  const again = { onDuplicate: "runAgain" as const };

  test("finds a work that has not begun", async () => {
    const { id } = await enqueue(act("a"), again);
    expect(await enqueue(act("a"), again)).toMatchObject({ id, isNew: false });
  });

  test("follows the one that runs, once, and begins when that has ended", async () => {
    const first = await enqueue(act("a"), again);
    const executor = await pool.startByHand();
    const second = await enqueue(act("b"), again);
    expect(second.isNew).toBe(true);
    expect(second.id).not.toBe(first.id);
    expect(await enqueue(act("c"), again)).toMatchObject({
      id: second.id,
      isNew: false,
    });
    expect(await pool.status(second.id)).toMatchObject({ state: "pending" });
    expect(await pool.get(second.id)).toMatchObject({ state: "pending" });
    expect(await pool.rows("pendingStart")).toEqual([]);

    await executor.report([ended(executor.attempts()[0]!)]);
    expect(await pool.rows("pendingStart")).toHaveLength(1);
    await pool.pass(5 * SECOND);
    expect((await pool.effects("attempt")).map(({ key }) => key)).toEqual([
      "b",
    ]);
    await pool.drain();
    expect(await pool.rows("work")).toEqual([]);
  });

  test("follows nobody in another round, though somebody ended it before its turn", async () => {
    await enqueue(act("a"), again);
    const executor = await pool.startByHand();
    const { id } = await enqueue(act("b"), again);
    await pool.t.mutation(api.works.fail, { id, error: "not needed" });
    await executor.report([ended(executor.attempts()[0]!)]);
    await pool.t.mutation(api.works.retry, { id });
    expect(await pool.work(id)).not.toHaveProperty("follows");
    await pool.drain();
    expect((await pool.effects("attempt")).map(({ key }) => key)).toEqual([
      "b",
    ]);
    expect(await pool.rows("work")).toEqual([]);
  });

  test.each([
    [
      "fails for good",
      async (executor: Awaited<ReturnType<typeof pool.startByHand>>) =>
        void (await executor.report([
          ended(executor.attempts()[0]!, failure()),
        ])),
    ],
    [
      "was canceled and ends",
      async (
        executor: Awaited<ReturnType<typeof pool.startByHand>>,
        id: Id<"work">,
      ) => {
        await pool.cancel(id);
        await executor.report([ended(executor.attempts()[0]!, failure())]);
      },
    ],
  ])("begins also when the one before it %s", async (_, end) => {
    const first = await enqueue(act("a"), again);
    const executor = await pool.startByHand();
    const second = await enqueue(act("b"), again);
    await end(executor, first.id);
    await pool.pass(5 * SECOND);
    expect((await pool.effects("attempt")).map(({ key }) => key)).toEqual([
      "b",
    ]);
    expect(await pool.status(second.id)).toEqual({ state: "finished" });
  });

  test("waits until the retries of the one before it are over", async () => {
    const retryBehavior = { maxAttempts: 2, initialBackoffMs: HOUR, base: 2 };
    const first = await enqueue(act("a", { retryBehavior }), again);
    const executor = await pool.startByHand();
    await executor.report([ended(executor.attempts()[0]!, failure())]);
    await enqueue(act("b"), again);
    await pool.pass(MINUTE);
    expect(await pool.effects("attempt")).toEqual([]);
    await pool.cancel(first.id);
    await pool.pass(5 * SECOND);
    expect((await pool.effects("attempt")).map(({ key }) => key)).toEqual([
      "b",
    ]);
  });

  test("can be canceled while it waits; then the one before it has the key again", async () => {
    const first = await enqueue(act("a"), again);
    const executor = await pool.startByHand();
    const second = await enqueue(act("b"), again);
    await pool.cancel(second.id);
    expect(await pool.status(second.id)).toEqual({ state: "finished" });
    expect(await enqueue(act("c"))).toMatchObject({
      id: first.id,
      isNew: false,
    });
    const third = await enqueue(act("d"), again);
    expect(third.isNew).toBe(true);
    await executor.report([ended(executor.attempts()[0]!)]);
    await pool.drain();
    expect((await pool.effects("attempt")).map(({ key }) => key)).toEqual([
      "d",
    ]);
  });

  test("ends with all others when all are canceled", async () => {
    await enqueue(act("a"), again);
    const executor = await pool.startByHand();
    await enqueue(act("b"), again);
    pool.moment();
    await pool.t.mutation(api.lib.cancelAll, {});
    await executor.report([ended(executor.attempts()[0]!)]);
    await pool.drain();
    expect(await pool.rows("work")).toEqual([]);
    expect(await pool.effects("attempt")).toEqual([]);
  });

  test("may be replaced while it waits", async () => {
    await enqueue(act("a"), again);
    const executor = await pool.startByHand();
    const second = await enqueue(act("b"), again);
    expect(await enqueue(act("c"), { onDuplicate: "replace" })).toEqual({
      id: second.id,
      isNew: false,
      replaced: true,
    });
    await executor.report([ended(executor.attempts()[0]!)]);
    await pool.drain();
    expect((await pool.effects("attempt")).map(({ key }) => key)).toEqual([
      "c",
    ]);
  });

  test("is begun by a loop that is woken where the end of the one before parks it", async () => {
    await enqueue(act("a"), again);
    const executor = await pool.startByHand();
    await enqueue(act("b"), again);
    await executor.report([ended(executor.attempts()[0]!)], { closing: true });
    const names = (await pool.scheduled()).map(({ name }) => name);
    expect(names).toContain("work/follow:wake");
  });
});

describe("unique works", () => {
  test("that go back to the queue together share no entry", async () => {
    await enqueue(act("a"), { key: "a" });
    await enqueue(act("b"), { key: "b" });
    const executor = await pool.startByHand();
    await executor.report(
      executor.attempts().map((each) => ended(each, { kind: "returned" })),
    );
    const entries = await pool.rows("pendingStart");
    expect(entries.map(({ works }) => works.length)).toEqual([1, 1]);
  });

  test("write nothing of their keys when they end", async () => {
    await enqueue(act("a"));
    const before = await pool.rows("unique");
    const executor = await pool.startByHand();
    await executor.report([ended(executor.attempts()[0]!)]);
    expect(await pool.rows("unique")).toEqual(before);
  });

  test("take two documents more than others", async () => {
    await enqueue(act("a"));
    expect(await pool.rows("unique")).toHaveLength(1);
    expect(await pool.rows("pendingStart")).toHaveLength(1);
    expect(await pool.rows("work")).toHaveLength(1);
  });
});

describe("a sweep", () => {
  const sweep = () => pool.t.mutation(internal.work.uniqueSweep.sweep, {});
  const held = async () => (await pool.rows("unique")).map(({ key }) => key);

  test("deletes the rows of works that are over, and no others", async () => {
    const kept = { statusTtl: DAY };
    await enqueue(act("over"), { key: "over" });
    await enqueue(act("kept", kept), { key: "kept" });
    await enqueue(act("window"), {
      key: "window",
      scope: { windowMs: 2 * HOUR },
    });
    const executor = await pool.startByHand();
    await executor.report(executor.attempts().map((each) => ended(each)));
    await enqueue(act("lives", { runAt: Date.now() + DAY }), { key: "lives" });
    vi.setSystemTime(Date.now() + HOUR);
    await sweep();
    expect(await held()).toEqual(["kept", "window", "lives"]);
    vi.setSystemTime(Date.now() + 3 * HOUR);
    await sweep();
    expect(await held()).toEqual(["kept", "lives"]);
    vi.setSystemTime(Date.now() + DAY);
    await sweep();
    expect(await held()).toEqual(["lives"]);
  });

  test("is scheduled by one in many enqueues that take a key", async () => {
    const random = vi.spyOn(Math, "random").mockReturnValue(0.5);
    await enqueue(act("a"), { key: "a" });
    expect(await pool.scheduled("work/uniqueSweep:sweep")).toEqual([]);
    random.mockReturnValue(0.001);
    await enqueue(act("b"), { key: "b" });
    expect(await pool.scheduled("work/uniqueSweep:sweep")).toHaveLength(1);
  });

  test("begins at another moment than one that was wanted at the same time", async () => {
    const random = vi.spyOn(Math, "random");
    for (const moment of [0.2, 0.7]) {
      // The first decides whether there is one.
      random.mockReturnValueOnce(0.001).mockReturnValueOnce(moment);
      await pool.run(async (ctx) => {
        await enqueueUnique(ctx, {}, act("a"), {
          key: `${moment}`,
          scope: "active",
        });
      });
    }
    const sweeps = await pool.run(async (ctx) =>
      (await ctx.db.system.query("_scheduled_functions").collect()).filter(
        ({ name }) => name === "work/uniqueSweep:sweep",
      ),
    );
    const times = sweeps.map(({ scheduledTime }) => scheduledTime);
    expect(times[1]! - times[0]!).toBeCloseTo(15 * SECOND);
  });

  test("that is full is followed by another", async () => {
    await pool.run(async (ctx) => {
      const workId = await ctx.db.insert("work", {
        fnType: "action",
        fnHandle: "function://gone",
        fnName: "gone",
        argsSize: 0,
        runAt: 0,
      });
      await ctx.db.delete("work", workId);
      for (let n = 0; n < 300; n++) {
        const row = { key: `k${n}`, workId, at: 0, sweepAt: n };
        await ctx.db.insert("unique", row);
      }
    });
    await sweep();
    expect(await pool.rows("unique")).toHaveLength(44);
    expect(await pool.scheduled("work/uniqueSweep:sweep")).toHaveLength(1);
  });
});

describe("a work that goes on in another round", () => {
  const takeAgain = (id: Id<"work">) =>
    pool.run(async (ctx) => {
      const work = (await ctx.db.get("work", id))!;
      return await takeKeyAgain(ctx, work);
    });

  test("takes its key again, unless another has it", async () => {
    const { id } = await enqueue(act("a"));
    const executor = await pool.startByHand();
    await executor.report([ended(executor.attempts()[0]!, failure())]);
    expect(await takeAgain(id)).toBe(true);
    expect(await pool.rows("unique")).toMatchObject([{ workId: id }]);
    const other = await enqueue(act("b"));
    expect(other.isNew).toBe(true);
    expect(await takeAgain(id)).toBe(false);
    expect(await pool.rows("unique")).toMatchObject([{ workId: other.id }]);
  });
});

describe("what is refused, before anything is written", () => {
  test.each<[string, Partial<Unique>, Partial<Item>]>([
    ["unique.key must be a string of 1 to 1000 characters", { key: "" }, {}],
    ["unique.key must be", { key: "x".repeat(1001) }, {}],
    ["unique.scope.windowMs must be", { scope: { windowMs: 0 } }, {}],
    [
      'unique.scope "retained" needs a statusTtl that keeps outcomes of every kind',
      { scope: "retained" },
      {},
    ],
    [
      'unique.scope "retained" needs a statusTtl',
      { scope: "retained" },
      { statusTtl: { success: 1 } },
    ],
    [
      'unique.onDuplicate "runAgain" needs the scope "active"',
      { scope: "waiting", onDuplicate: "runAgain" },
      {},
    ],
    ['need onDuplicate "replace"', { delayMs: 1 }, {}],
    [
      "unique.maxDelayMs (5) needs unique.delayMs",
      { onDuplicate: "replace", maxDelayMs: 5 },
      {},
    ],
    [
      "unique.maxDelayMs must be at least unique.delayMs (6), not 5",
      { onDuplicate: "replace", delayMs: 6, maxDelayMs: 5 },
      {},
    ],
    ["unique.delayMs must be", { onDuplicate: "replace", delayMs: -1 }, {}],
    [
      "Give unique.delayMs or runAt or runAfter, not both",
      { onDuplicate: "replace", delayMs: 1, movesStart: true },
      {},
    ],
    ["tags must be a list of at most 5 tags", {}, { tags: [..."abcdef"] }],
    ["tags[1] must be a string of 1 to 200", {}, { tags: ["a", ""] }],
    ["tags[1] must be different from", {}, { tags: ["a", "a"] }],
    [
      'The argument "key" is given, and late',
      {},
      { late: { key: "this" as const } },
    ],
  ])("%s", async (message, unique, changes) => {
    await expect(enqueue(act("a", changes), unique)).rejects.toThrow(message);
    expect(await pool.rows("work")).toEqual([]);
    expect(await pool.rows("config")).toEqual([]);
  });
});
