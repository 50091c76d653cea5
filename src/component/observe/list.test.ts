import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  ended,
  failure,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { api } from "../_generated/api.js";
import type { Id } from "../_generated/dataModel.js";
import { DAY, HOUR, MINUTE, SECOND } from "../shared.js";
import type { Item } from "../work/enqueue.js";
import type { ListFilter, WorkPage } from "./workList.js";

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

type Cursors = {
  numItems?: number;
  cursor?: string | null;
  endCursor?: string | null;
};
const list = (
  filter: ListFilter = {},
  { numItems = 50, cursor = null, endCursor = null }: Cursors = {},
): Promise<WorkPage> =>
  pool.t.query(api.works.list, {
    ...filter,
    paginationOpts: { numItems, cursor, endCursor },
  });
const ids = ({ page }: WorkPage) => page.map(({ workId }) => workId);
const action = (key: string, changes: Partial<Item> = {}) =>
  job("action", "act", { key }, changes);

/** One by one, a second apart. */
async function enqueueEach(...items: Item[]): Promise<Id<"work">[]> {
  const each: Id<"work">[] = [];
  for (const item of items) {
    each.push(...(await pool.enqueue([item])));
    vi.setSystemTime(Date.now() + SECOND);
  }
  return each;
}

/** One work in each state that there is without others' doing. */
async function oneOfEach(changes: Partial<Item> = {}) {
  const retryBehavior = { maxAttempts: 2, initialBackoffMs: DAY, base: 1 };
  const statusTtl = DAY;
  const action = (key: string, own: Partial<Item> = {}) =>
    job("action", "act", { key }, { ...changes, ...own });
  await pool.enqueue(
    [
      action("success", { statusTtl }),
      action("failed"),
      action("retrying", { retryBehavior }),
      action("running"),
      action("claimed"),
    ],
    { maxParallelism: 5 },
  );
  const executor = await pool.startOpenByHand();
  executor.beginsBefore = 4;
  const [success, fails, retries] = executor.attempts();
  await executor.report([
    ended(success!),
    ended(fails!, failure()),
    ended(retries!, failure()),
  ]);
  await pool.setLimit(0);
  await pool.enqueue([action("waiting")]);
  const runAt = Date.now() + HOUR;
  await pool.enqueue([action("scheduled", { runAt })]);
  const [canceled] = await pool.enqueue([
    action("canceled", { runAt, statusTtl }),
  ]);
  await pool.cancel(canceled!);
}

describe("states", () => {
  test("are told apart, and found", async () => {
    await oneOfEach();
    const all = await list();
    const states = all.page.map(({ state }) => state).sort();
    expect(states).toEqual(
      [
        "canceled",
        "claimed",
        "failed",
        "retrying",
        "running",
        "scheduled",
        "success",
        "waiting",
      ].sort(),
    );
    for (const each of all.page) {
      const { page, isDone } = await list({ state: each.state });
      expect([each.state, page, isDone]).toEqual([each.state, [each], true]);
    }
    expect(await list({ state: "suspended" })).toMatchObject({ page: [] });
  });

  test("are counted, and so are functions", async () => {
    await oneOfEach();
    const counts = await pool.t.query(api.works.counts, {});
    const one = { count: 1, isAtLeast: false };
    expect(counts).toEqual({
      states: [
        { state: "scheduled", count: 2, isAtLeast: false },
        { state: "waiting", ...one },
        { state: "claimed", ...one },
        { state: "running", ...one },
        { state: "success", ...one },
        { state: "failed", ...one },
        { state: "canceled", ...one },
      ],
      callbacks: [
        { state: "owed", count: 0, isAtLeast: false },
        { state: "failed", count: 0, isAtLeast: false },
      ],
      functions: [
        {
          fnName: "jobs:act",
          unfinished: { count: 5, isAtLeast: false },
          failed: one,
        },
      ],
    });
  });
});

describe("a list", () => {
  test("has the newest first, those that have ended by when they ended", async () => {
    const [a, b, c] = await enqueueEach(
      action("a"),
      action("b", { runAt: Date.now() + DAY }),
      action("c", { runAt: Date.now() + DAY }),
    );
    expect(ids(await list())).toEqual([c, b, a]);
    const executor = await pool.startByHand();
    vi.setSystemTime(Date.now() + MINUTE);
    await executor.report([ended(executor.attempts()[0]!, failure())]);
    expect(ids(await list())).toEqual([a, c, b]);
  });

  test("goes on where a page ended, and each work is in one page", async () => {
    const each = await enqueueEach(
      ...Array.from({ length: 7 }, (_, n) => action(`w${n}`)),
    );
    const found: string[] = [];
    let cursor: string | null = null;
    for (let n = 0; n < 3; n++) {
      const page = await list({}, { numItems: 3, cursor });
      found.push(...ids(page));
      cursor = page.continueCursor;
      expect(page.isDone).toBe(n === 2);
      // Newer works move no place.
      await enqueueEach(action(`new ${n}`));
    }
    expect(found).toEqual([...each].reverse());
  });

  test("reads up to the end of an earlier page, whatever came in between", async () => {
    await enqueueEach(action("a"), action("b"), action("c"));
    const first = await list({}, { numItems: 2 });
    const [d] = await enqueueEach(action("d"));
    const again = await list(
      {},
      { numItems: 2, endCursor: first.continueCursor },
    );
    expect(ids(again)).toEqual([d, ...ids(first)]);
    expect(again).toMatchObject({
      isDone: false,
      continueCursor: first.continueCursor,
    });
  });

  test("ends pages that find little, and says that there is more", async () => {
    const [rare] = await enqueueEach(action("rare", { fnName: "rare" }));
    await pool.enqueue(Array.from({ length: 80 }, (_, n) => action(`w${n}`)));
    const first = await list({ fnName: "rare" });
    expect(first).toMatchObject({ page: [], isDone: false });
    const next = await list(
      { fnName: "rare" },
      { cursor: first.continueCursor },
    );
    expect(ids(next)).toEqual([rare]);
    expect(next.isDone).toBe(true);
  });

  test("is of one function, or between two times", async () => {
    const [a, b] = await enqueueEach(
      action("a", { fnName: "one" }),
      action("b", { fnName: "two" }),
    );
    const between = Date.now();
    const [c] = await enqueueEach(action("c", { fnName: "one" }));
    expect(ids(await list({ fnName: "one" }))).toEqual([c, a]);
    expect(ids(await list({ before: between }))).toEqual([b, a]);
    expect(ids(await list({ after: between }))).toEqual([c]);
    expect(ids(await list({ fnName: "one", before: between }))).toEqual([a]);
  });

  test("of failed works of a function does not pass those of others", async () => {
    const [a] = await pool.enqueue([
      job("mutation", "mutate", { key: "a", fail: true }, { fnName: "rare" }),
    ]);
    await pool.enqueue(
      Array.from({ length: 70 }, (_, n) =>
        job("mutation", "mutate", { key: `w${n}`, fail: true }),
      ),
    );
    await pool.drain();
    const { page, isDone } = await list({ state: "failed", fnName: "rare" });
    expect(isDone).toBe(true);
    expect(page).toMatchObject([{ workId: a, state: "failed", attempts: 1 }]);
    expect(page[0]!.error).toBe("a refused");
  });

  test("has callbacks that are owed, and those that were given up, with their errors", async () => {
    const callback = recorded("a", "completedWhenAllowed");
    const [id] = await pool.enqueue([
      job("mutation", "mutate", { key: "a" }, callback),
    ]);
    await pool.pass(MINUTE);
    const error = "the callback is not allowed yet";
    expect((await list({ callback: "owed" })).page).toMatchObject([
      { workId: id, state: "success", callback: { state: "owed", error } },
    ]);
    expect((await list({ callback: "failed" })).page).toEqual([]);
    await pool.drain();
    expect((await list({ callback: "owed" })).page).toEqual([]);
    expect((await list({ callback: "failed" })).page).toMatchObject([
      { workId: id, callback: { state: "failed", attempts: 13, error } },
    ]);
  });

  test("does not show what is over its time", async () => {
    await pool.enqueue([action("a", { statusTtl: MINUTE })]);
    const executor = await pool.startByHand();
    await executor.report([ended(executor.attempts()[0]!)]);
    expect((await list()).page).toHaveLength(1);
    vi.setSystemTime(Date.now() + HOUR);
    expect((await list()).page).toEqual([]);
    expect((await list({ state: "success" })).page).toEqual([]);
  });

  test("of what runs goes on from page to page, and back to the end of one", async () => {
    const works = await pool.enqueue(
      Array.from({ length: 7 }, (_, n) => action(`w${n}`)),
      { maxParallelism: 7 },
    );
    await pool.enqueue([action("later", { runAt: Date.now() + DAY })]);
    await pool.startOpenByHand();
    const first = await list({ state: "running" }, { numItems: 3 });
    const second = await list(
      { state: "running" },
      { numItems: 3, cursor: first.continueCursor },
    );
    const third = await list(
      { state: "running" },
      { numItems: 3, cursor: second.continueCursor },
    );
    expect([first, second, third].map(({ isDone }) => isDone)).toEqual([
      false,
      false,
      true,
    ]);
    expect([first, second, third].flatMap(ids)).toEqual([...works].reverse());
    const pinned = await list(
      { state: "running" },
      {
        numItems: 1,
        cursor: first.continueCursor,
        endCursor: second.continueCursor,
      },
    );
    expect(ids(pinned)).toEqual(ids(second));
  });

  test("shows a work whose former attempt still takes a slot as what it is now", async () => {
    const [id] = await pool.enqueue([action("a"), action("b")]);
    const executor = await pool.startOpenByHand();
    const [attempt] = executor.attempts();
    await executor.report([ended(attempt!, failure())]);
    // As after a time-out: the work is over for this executor, and its handler runs on.
    await pool.run(async (ctx) => {
      const stats = (await ctx.db.query("executorStats").first())!;
      const open = [{ runningId: null, left: [0, 1] }];
      await ctx.db.patch("executorStats", stats._id, { open, over: [0] });
    });
    await pool.t.mutation(api.works.retry, { id: id! });
    expect((await list({ state: "running" })).page).toHaveLength(1);
    expect((await list({ state: "waiting" })).page).toMatchObject([
      { workId: id },
    ]);
    const { states } = await pool.t.query(api.works.counts, {});
    expect(states).toContainEqual({
      state: "running",
      count: 1,
      isAtLeast: false,
    });
    expect(states).toContainEqual({
      state: "claimed",
      count: 0,
      isAtLeast: false,
    });
  });

  test("shows a work that is tried again as one that waits, and no longer as failed", async () => {
    const [id] = await pool.enqueue([action("a")]);
    const executor = await pool.startByHand();
    await executor.report([ended(executor.attempts()[0]!, failure())]);
    await pool.t.mutation(api.works.retry, { id: id! });
    expect(await list({ state: "failed" })).toMatchObject({ page: [] });
    expect((await list()).page).toMatchObject([
      { workId: id, state: "waiting", round: 1, attempts: 0 },
    ]);
  });
});

describe("of a tag", () => {
  const tags = ["billing", "monthly"];
  beforeEach(async () => {
    await enqueueEach(action("other"), action("else", { tags: ["monthly"] }));
    await oneOfEach({ tags });
  });

  test("all works are found, in whatever state, and no others", async () => {
    const { page, isDone } = await list({ tag: "billing" });
    expect(isDone).toBe(true);
    expect(page.map(({ state }) => state).sort()).toEqual(
      (await list()).page
        .filter((each) => each.tags?.includes("billing"))
        .map(({ state }) => state)
        .sort(),
    );
    expect(page).toHaveLength(8);
    expect(page.every((each) => each.tags?.join() === tags.join())).toBe(true);
    expect((await list({ tag: "monthly" })).page).toHaveLength(9);
    expect((await list({ tag: "yearly" })).page).toEqual([]);
  });

  test("with a state or a function, those of both", async () => {
    for (const { state, workId } of (await list({ tag: "billing" })).page) {
      const found = await list({ tag: "billing", state });
      expect(ids(found), state).toContain(workId);
      expect(found.page.every((each) => each.state === state)).toBe(true);
    }
    const none = await list({ tag: "billing", fnName: "jobs:else" });
    expect(none.page).toEqual([]);
  });

  test("pages follow each other, in the order of enqueues", async () => {
    const all = ids(await list({ tag: "billing" }));
    const seen: string[] = [];
    let cursor: string | null = null;
    for (;;) {
      const page: WorkPage = await list(
        { tag: "billing" },
        { numItems: 2, cursor },
      );
      seen.push(...ids(page));
      if (page.isDone) break;
      cursor = page.continueCursor;
    }
    expect(seen).toEqual(all);
    const times = (await list({ tag: "billing" })).page.map(
      ({ enqueuedAt }) => enqueuedAt,
    );
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  test("they are retried, forgotten and canceled by it", async () => {
    const filter = { tag: "billing" };
    const failed = await list({ ...filter, state: "failed" });
    const retried = await pool.t.mutation(api.works.retryMany, { filter });
    expect(retried).toMatchObject({ matched: 1, isDone: true });
    expect(ids(await list({ ...filter, state: "failed" }))).toEqual([]);
    expect(ids(await list({ ...filter, state: "waiting" }))).toEqual(
      expect.arrayContaining(ids(failed)),
    );
    const [untouched] = await pool.enqueue([action("untouched")]);
    await pool.t.mutation(api.works.cancelMany, { filter });
    expect(ids(await list({ ...filter, state: "waiting" }))).toEqual([]);
    expect(ids(await list({ ...filter, state: "scheduled" }))).toEqual([]);
    expect(ids(await list({ state: "waiting" }))).toContain(untouched);
    await pool.t.mutation(api.works.forgetMany, { filter });
    expect(ids(await list({ ...filter, state: "success" }))).toEqual([]);
    expect(ids(await list({ ...filter, state: "canceled" }))).toEqual([]);
  });
});
