import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  ended,
  failure,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";

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

const actions = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => {
    const key = `k${from + index}`;
    return job("action", "act", { key }, recorded(key));
  });
/** An open executor that was started with one work, and then handed `count` more. */
async function handedOver(
  count: number,
  maxParallelism: number,
): Promise<HandExecutor> {
  await pool.enqueue(actions(1), { maxParallelism });
  const executor = await pool.startOpenByHand();
  await pool.enqueue(actions(count, 1));
  await pool.tick();
  return executor;
}
const tally = (changes = {}) => ({
  succeeded: 0,
  failed: 0,
  retries: 0,
  canceled: 0,
  ...changes,
});

describe("a report that is repeated", () => {
  test("applies nothing twice and calls nobody back twice", async () => {
    await pool.enqueue(actions(2));
    const executor = await pool.startOpenByHand();
    const results = executor.attempts().map((attempt) => ended(attempt));
    await executor.report(results);
    const before = await executor.stats();
    await executor.again({ results });
    expect(await executor.stats()).toEqual(before);
    expect(before).toMatchObject({ open: [], tally: tally({ succeeded: 2 }) });
    expect(await pool.effects("completed")).toHaveLength(2);
  });

  test("counts nothing twice that a transaction has recorded itself", async () => {
    await pool.enqueue([job("mutation", "mutate", { key: "m" })]);
    const executor = await pool.startOpenByHand();
    const [attempt] = executor.attempts();
    const results = [ended(attempt!, { kind: "recorded", result: "success" })];
    await executor.report(results);
    await executor.again({ results });
    expect(await executor.stats()).toMatchObject({
      open: [],
      tally: tally({ succeeded: 1 }),
    });
  });

  test("gets no new work", async () => {
    const executor = await handedOver(0, 4);
    await executor.report();
    await pool.enqueue(actions(1, 1));
    await pool.tick();
    expect((await executor.again({})).next).toEqual([]);
    expect((await executor.report()).next).toHaveLength(1);
  });

  test("is sent again what it does not hold, since the answer was lost", async () => {
    const executor = await handedOver(3, 8);
    const lost = await executor.send({});
    expect(lost.next).toHaveLength(3);
    const again = await executor.send({ holding: [0, lost.next[0]!.position] });
    expect(again.next).toEqual(lost.next.slice(1));
  });

  test("is sent again what it was started with, should it not have it", async () => {
    await pool.enqueue(actions(3));
    const executor = await pool.startByHand();
    const given = executor.attempts();
    const { next } = await executor.send({ holding: [given[1]!.position] });
    expect(next).toEqual([given[0], given[2]]);
  });

  test("does not close an executor that has changed its mind by its first answer", async () => {
    await pool.enqueue(actions(1));
    const executor = await pool.startOpenByHand();
    await executor.report();
    const reply = await executor.again({ closing: true });
    expect(reply.closed).toBe(false);
    expect((await executor.row())!.state.kind).toBe("open");
  });

  test("and was the last one is told again to leave", async () => {
    await pool.enqueue(actions(1));
    const executor = await pool.startByHand();
    const results = executor.attempts().map((attempt) => ended(attempt));
    expect((await executor.report(results)).done).toBe(true);
    const before = await executor.row();
    expect(await executor.again({ results })).toMatchObject({
      done: true,
      next: [],
    });
    expect(await executor.row()).toEqual(before);
    expect(await pool.effects("completed")).toHaveLength(1);
  });
});

test("results of one report may come in two, in any order, and each counts once", async () => {
  const executor = await handedOver(4, 8);
  await executor.report();
  const attempts = executor.attempts();
  expect(attempts).toHaveLength(5);
  const results = attempts.map((attempt) => ended(attempt));
  await executor.report(results.slice(2), {
    holding: attempts.slice(0, 2).map(({ position }) => position),
  });
  await executor.report(results);
  expect(await executor.stats()).toMatchObject({
    cursor: 5,
    open: [],
    tally: tally({ succeeded: 5 }),
  });
  expect(await pool.effects("completed")).toHaveLength(5);
  expect(await pool.rows("running")).toEqual([]);
  expect(await pool.liveWorks()).toEqual([]);
});

describe("an executor's last report", () => {
  test("says in its row what it did, and leaves nothing else", async () => {
    const executor = await handedOver(2, 4);
    await executor.report();
    const [first, second, third] = executor.attempts();
    await executor.report([ended(first!)]);
    expect(await pool.rows("executorStats")).toHaveLength(1);
    await executor.report([ended(second!), ended(third!, failure())], {
      closing: true,
    });
    expect(await executor.row()).toMatchObject({
      state: { kind: "done", tally: tally({ succeeded: 2, failed: 1 }) },
    });
    expect(await pool.rows("executorStats")).toEqual([]);
    expect(await pool.rows("running")).toEqual([]);
  });

  test("writes no statistics at all when it is the first one, too", async () => {
    await pool.enqueue(actions(3));
    const executor = await pool.startByHand();
    const reply = await executor.report(
      executor.attempts().map((attempt) => ended(attempt)),
    );
    expect(reply).toMatchObject({ closed: true, done: true });
    expect(await executor.stats()).toBeNull();
    expect(await executor.row()).toMatchObject({
      state: { kind: "done", tally: tally({ succeeded: 3 }) },
    });
  });

  test("does not come while anything is in flight", async () => {
    await pool.enqueue(actions(2));
    const executor = await pool.startByHand();
    const [first, second] = executor.attempts();
    const reply = await executor.report([ended(first!)]);
    expect(reply).toMatchObject({ closed: true, done: false });
    expect((await executor.report([ended(second!)])).done).toBe(true);
  });
});

describe("an executor that is told to leave, and changes nothing, is one", () => {
  test("that was given up", async () => {
    const [id] = await pool.enqueue(actions(1));
    const executor = await pool.startByHand();
    const results = executor.attempts().map((attempt) => ended(attempt));
    await executor.becomes(null);
    await pool.guard();
    expect(await executor.row()).toMatchObject({
      state: { kind: "done", tally: tally({ failed: 1 }) },
    });
    const reply = await executor.report(results);
    expect(reply).toMatchObject({ done: true, next: [] });
    await pool.drain();
    expect(await pool.effects("completed")).toMatchObject([
      { detail: { result: { kind: "failed" } } },
    ]);
    expect(await pool.rows("executorStats")).toEqual([]);
    expect(await pool.status(id!)).toEqual({ state: "finished" });
  });

  test("whose row is another's by now, even if a position fits", async () => {
    await pool.enqueue(actions(1));
    const first = await pool.startByHand();
    const results = first.attempts().map((attempt) => ended(attempt));
    await first.report(results);

    const [id] = await pool.enqueue(actions(1, 1));
    const second = await pool.startByHand();
    expect(second.id).toBe(first.id);
    expect(second.start.incarnation).toBe(first.start.incarnation + 1);
    const [attempt] = second.attempts();
    for (const late of [results, [ended(attempt!)], []]) {
      expect(await first.report(late, { closing: true })).toMatchObject({
        done: true,
        next: [],
      });
    }
    expect(await pool.work(id!)).not.toBeNull();
    expect(await second.stats()).toBeNull();
    expect(await second.row()).not.toMatchObject({ state: { kind: "done" } });

    await second.report([ended(attempt!)]);
    expect(await second.row()).toMatchObject({
      state: { kind: "done", tally: tally({ succeeded: 1 }) },
    });
    expect(await pool.effects("completed")).toHaveLength(2);
  });
});

test("a report of another version of the protocol is refused by name", async () => {
  await pool.enqueue(actions(1));
  const executor = await pool.startByHand();
  await expect(executor.send({ version: 99 })).rejects.toThrow(
    /version 99 .* understands 1/,
  );
});

describe("late results", () => {
  test("of an attempt that was retried meanwhile change nothing", async () => {
    const [id] = await pool.enqueue([
      job(
        "action",
        "act",
        { key: "a" },
        {
          ...recorded("a"),
          retryBehavior: { maxAttempts: 3, initialBackoffMs: 50, base: 2 },
        },
      ),
    ]);
    const executor = await pool.startOpenByHand();
    const [attempt] = executor.attempts();
    const late = ended(attempt!);
    await executor.report([ended(attempt!, failure())]);
    vi.setSystemTime(Date.now() + 1000);
    await pool.tick();
    const { next: second } = await executor.report();
    expect(second).toMatchObject([{ workId: id, fence: attempt!.fence + 1 }]);

    // Even under the position of the new attempt.
    await executor.report([{ ...late, position: second[0]!.position }]);
    expect(await pool.work(id!)).toMatchObject({ attempts: 1 });
    expect(await pool.effects("completed")).toEqual([]);
  });

  test("of a work that has ended change nothing", async () => {
    const [id] = await pool.enqueue(actions(1));
    const executor = await pool.startByHand();
    const results = executor.attempts().map((attempt) => ended(attempt));
    await pool.run((ctx) => ctx.db.delete("work", id!));
    await executor.report(results);
    expect(await pool.effects("completed")).toEqual([]);
    expect(await pool.rows("complete")).toEqual([]);
    expect(await pool.rows("running")).toEqual([]);
  });
});

describe("what was canceled while it ran", () => {
  const retryBehavior = { maxAttempts: 5, initialBackoffMs: 50, base: 2 };
  const begin = async () => {
    const [id] = await pool.enqueue([
      job("action", "act", { key: "a" }, { ...recorded("a"), retryBehavior }),
    ]);
    const executor = await pool.startByHand();
    await pool.cancel(id!);
    return { executor, attempt: executor.attempts()[0]!, id: id! };
  };

  test("and succeeds is a success", async () => {
    const { executor, attempt } = await begin();
    await executor.report([ended(attempt)]);
    expect(await pool.outcomes()).toEqual({
      a: [{ kind: "success", returnValue: "done" }],
    });
  });

  test("and fails is canceled instead of retried", async () => {
    const { executor, attempt } = await begin();
    await executor.report([ended(attempt, failure())]);
    expect(await pool.outcomes()).toEqual({ a: [{ kind: "canceled" }] });
    expect(await pool.rows("pendingStart")).toEqual([]);
    expect(await pool.liveWorks()).toEqual([]);
  });

  test.each([
    { kind: "returned" as const },
    { kind: "notStarted" as const, error: "Overload" },
  ])("and never began is canceled ($kind)", async (outcome) => {
    const { executor, attempt } = await begin();
    await executor.report([ended(attempt, outcome)]);
    expect(await pool.liveWorks()).toEqual([]);
    expect(await pool.rows("pendingStart")).toEqual([]);
    await pool.pass(100);
    expect(await pool.outcomes()).toEqual({ a: [{ kind: "canceled" }] });
  });

  test("is not started at all when it was not delivered yet", async () => {
    const executor = await handedOver(0, 4);
    const [id] = await pool.enqueue(actions(1, 1));
    await pool.tick();
    await pool.cancel(id!);
    const { next } = await executor.report();
    expect(next).toEqual([]);
    expect(await executor.stats()).toMatchObject({
      cursor: 2,
      open: [{ left: [0] }],
    });
    await pool.pass(1000);
    expect(await pool.outcomes()).toEqual({ k1: [{ kind: "canceled" }] });
  });

  test("is given out again when the answer was lost: it may have begun", async () => {
    const executor = await handedOver(0, 4);
    const [id] = await pool.enqueue(actions(1, 1));
    await pool.tick();
    const { next } = await executor.send({});
    expect(next).toMatchObject([{ workId: id }]);
    await pool.cancel(id!);
    const again = await executor.send({ holding: [0] });
    expect(again.next).toEqual(next);
    expect(await pool.effects("completed")).toEqual([]);
  });
});

test("what could not be started waits again, free of charge and not at once", async () => {
  const [id] = await pool.enqueue(actions(1));
  const executor = await pool.startByHand();
  await executor.report([
    ended(executor.attempts()[0]!, {
      kind: "notStarted",
      error: "TooManyConcurrentRequests",
    }),
  ]);
  expect(await pool.status(id!)).toEqual({
    state: "pending",
    previousAttempts: 0,
  });
  const { dueAt } = (await pool.get(id!))!;
  expect(dueAt).toBeGreaterThanOrEqual(Date.now() + 1000);
});

test("what was given back, never begun, waits again in its old place, free of charge, under a new fence", async () => {
  const [id] = await pool.enqueue(actions(2));
  const executor = await pool.startByHand();
  const [back, kept] = executor.attempts();
  const work0 = await pool.work(id!);
  pool.moment();
  await executor.report([ended(back!, { kind: "returned" }), ended(kept!)]);
  const work = await pool.work(id!);
  expect(work).toMatchObject({ fence: back!.fence + 1 });
  expect(work).not.toHaveProperty("attempts");
  expect(await pool.rows("pendingStart")).toMatchObject([
    { kind: "later", works: [id], dueAt: Math.floor(work0!._creationTime) },
  ]);
  expect(await executor.row()).toMatchObject({
    state: { kind: "done", tally: tally({ succeeded: 1 }) },
  });
  await pool.drain();
  expect(await pool.outcomes()).toMatchObject({ k0: [{ kind: "success" }] });
  expect(await pool.effects("attempt")).toHaveLength(1);
});

test("what failed and is retried waits its backoff", async () => {
  const retryBehavior = { maxAttempts: 3, initialBackoffMs: 8000, base: 2 };
  const [id] = await pool.enqueue([
    job("action", "act", { key: "a" }, { retryBehavior }),
  ]);
  const executor = await pool.startByHand();
  const [first] = executor.attempts();
  await executor.report([ended(first!, failure("Error: once"))]);
  const info = await pool.get(id!);
  expect(info).toMatchObject({ attempts: 1, lastError: "Error: once" });
  expect(info!.dueAt).toBeGreaterThanOrEqual(Date.now() + 4000);
  expect(info!.dueAt).toBeLessThanOrEqual(Date.now() + 12_000);
});

describe("an executor's width", () => {
  test("bounds what it has in flight, and what ends makes room", async () => {
    await pool.enqueue(actions(9), { maxParallelism: 4 });
    const executor = await pool.startByHand();
    expect(executor.start).toMatchObject({ width: 4, closed: false });
    const attempts = executor.attempts();
    expect(attempts).toHaveLength(4);
    await pool.tick();
    expect((await executor.report()).next).toEqual([]);
    await executor.report([ended(attempts[0]!), ended(attempts[1]!)]);
    await pool.tick();
    await executor.report();
    expect(executor.held.size).toBe(4);
    await pool.tick();
    expect((await executor.report()).next).toEqual([]);
  });

  test("of an old epoch gets nothing new until it is leased again", async () => {
    const executor = await handedOver(3, 4);
    await pool.setLimit(2);
    expect((await executor.report()).next).toEqual([]);
    await pool.tick();
    expect(await executor.report()).toMatchObject({ next: [], width: 2 });
    pool.moment();
    await pool.tick();
    expect((await executor.report()).next).toHaveLength(1);
    expect(executor.held.size).toBe(2);
  });
});

describe("how many mutations and queries an executor may run", () => {
  test("is told with its start and in every reply, where the class has room for fewer than the limit", async () => {
    await pool.enqueue(actions(4), { maxParallelism: 500 });
    const executor = await pool.startOpenByHand();
    // A third of the 48 slots, and of the 12 transactions.
    expect(executor.start).toMatchObject({ width: 16, transactions: 4 });
    expect(await executor.report()).toMatchObject({
      width: 16,
      transactions: 4,
    });
    pool.deploymentClass = "s256";
    await pool.setLimit(200);
    await pool.tick();
    expect(await executor.report()).not.toHaveProperty("transactions");
  });

  test("is not told where the limit is no more than the room", async () => {
    await pool.enqueue(actions(4), { maxParallelism: 12 });
    const executor = await pool.startOpenByHand();
    expect(executor.start).not.toHaveProperty("transactions");
    expect(await executor.report()).not.toHaveProperty("transactions");
  });
});

describe("what an executor is given", () => {
  // A width of 8 has hand-overs of four works at most.
  test("are whole hand-overs until it has what it wants, and so perhaps a little more", async () => {
    const executor = await handedOver(6, 8);
    expect((await executor.report([], { want: 1 })).next).toHaveLength(4);
    expect((await executor.report([], { want: 0 })).next).toEqual([]);
    expect((await executor.report([], { want: 1 })).next).toHaveLength(2);
  });

  test("comes in the order in which it was enqueued", async () => {
    const executor = await handedOver(6, 8);
    await executor.report();
    expect(executor.attempts().map(({ fnArgs }) => fnArgs.key)).toEqual(
      actions(7).map(({ fnArgs }) => fnArgs.key),
    );
  });

  test("is all that waits for it when it leaves, whatever it wants", async () => {
    const executor = await handedOver(6, 8);
    const reply = await executor.report([], { want: 0, closing: true });
    expect(reply).toMatchObject({ closed: true, done: false });
    expect(reply.next).toHaveLength(6);
  });

  test("is nothing beyond the start for one that was born closing", async () => {
    await pool.enqueue(actions(1), { maxParallelism: 8 });
    const executor = await pool.startByHand();
    expect(executor.start.closed).toBe(true);
    await pool.enqueue(actions(3, 1));
    await pool.tick();
    expect(await executor.report()).toMatchObject({
      next: [],
      closed: true,
      listen: false,
    });
    expect(await pool.rows("executor")).toHaveLength(2);
  });

  test("follows how much it can make use of: short works are handed over ahead", async () => {
    await pool.enqueue(actions(30), { maxParallelism: 4 });
    const executor = await pool.startByHand();
    expect(await pool.rows("running")).toEqual([]);
    await executor.report([], { worksPerSlot: 3 });
    await pool.tick();
    const ahead = await pool.rows("running");
    expect(ahead.flatMap(({ works }) => works)).toHaveLength(2 * 4);
    // For a narrow executor in small hand-overs.
    for (const { works } of ahead) expect(works).toHaveLength(2);
    expect((await executor.report([], { want: 3 })).next).toHaveLength(4);
    expect((await executor.report([], { want: 4 })).next).toHaveLength(4);
  });
});
