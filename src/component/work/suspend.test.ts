/** Works whose handlers leave it to somebody else to end them. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../_generated/api.js";
import type { Attempt } from "../loop/attempt.js";
import { DEALT_WITH_MS } from "../loop/watchdog.js";
import { HOUR, MINUTE } from "../shared.js";
import {
  ended,
  failure,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import type { Item } from "./enqueue.js";

const TIMEOUT_MS = 10 * MINUTE;
const retryBehavior = { maxAttempts: 2, initialBackoffMs: 0, base: 1 };
const success = (returnValue: unknown) => ({ kind: "success", returnValue });

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

async function begin(
  changes: Partial<Item> = {},
): Promise<{ executor: HandExecutor; attempt: Attempt }> {
  const late = { work: "this" as const };
  await pool.enqueueOne(
    job("action", "act", { key: "a" }, { late, ...recorded("a"), ...changes }),
    { maxParallelism: 1 },
  );
  const executor = await pool.startOpenByHand();
  return { executor, attempt: executor.attempts()[0]! };
}
const suspend = (
  { workId, fence }: Pick<Attempt, "workId" | "fence">,
  timeoutMs = TIMEOUT_MS,
) => pool.t.mutation(api.attempts.suspend, { id: workId, fence, timeoutMs });
const complete = (id: string, result: unknown = "from outside") =>
  pool.t.mutation(api.works.complete, { id, result });
const fail = (id: string, error = "no luck outside") =>
  pool.t.mutation(api.works.fail, { id, error });
async function suspended(changes?: Partial<Item>) {
  const { executor, attempt } = await begin(changes);
  expect(await suspend(attempt)).toBe("noted");
  await executor.report([ended(attempt)]);
  return { executor, attempt, id: attempt.workId };
}
/** What the callback was told, once it was run. */
async function outcome(): Promise<unknown> {
  await pool.pass(1);
  return (await pool.outcomes()).a;
}
const list = async () => {
  const paginationOpts = { numItems: 10, cursor: null };
  const { page } = await pool.t.query(api.works.list, {
    state: "suspended",
    paginationOpts,
  });
  return page;
};

describe("a suspended work", () => {
  test("has no outcome and no slot, and is told from others", async () => {
    const { executor, id } = await suspended({ timeoutMs: 25 * MINUTE });
    const until = Date.now() + TIMEOUT_MS;
    expect(await pool.outcomes()).toEqual({});
    expect(await executor.stats()).toMatchObject({ open: [] });
    expect(await pool.status(id)).toEqual({
      state: "pending",
      previousAttempts: 1,
    });
    expect(await pool.get(id)).toMatchObject({
      state: "suspended",
      dueAt: until,
    });
    expect(await list()).toMatchObject([
      { workId: id, state: "suspended", dueAt: until },
    ]);
    expect(await pool.rows("pendingStart")).toMatchObject([{ kind: "later" }]);
  });

  test("is completed from outside, once", async () => {
    const { id } = await suspended({ statusTtl: HOUR });
    expect(await complete(id, { url: "u" })).toBe("completed");
    expect(await outcome()).toEqual([success({ url: "u" })]);
    expect(await pool.get(id)).toMatchObject({
      state: "finished",
      attempts: 1,
      result: success({ url: "u" }),
    });
    expect(await complete(id)).toBe("ended");
    expect(await fail(id)).toBe("ended");
    expect(await pool.rows("pendingStart")).toEqual([]);
    expect(await pool.rows("work")).toEqual([]);
  });

  test("fails from outside, without a retry", async () => {
    const { id } = await suspended({ retryBehavior });
    expect(await fail(id)).toBe("completed");
    expect(await outcome()).toEqual([
      { kind: "failed", error: "no luck outside" },
    ]);
    expect(await pool.get(id)).toMatchObject({ lastError: "no luck outside" });
    // Another round of it begins anew.
    await pool.t.mutation(api.works.retry, { id });
    expect(await pool.get(id)).toMatchObject({ state: "pending" });
  });

  test("is canceled at once", async () => {
    const { id } = await suspended();
    expect(await pool.cancel(id)).toBe("canceled");
    expect(await outcome()).toEqual([{ kind: "canceled" }]);
  });

  test("fails when its time is over, and no attempt of it begins", async () => {
    const { executor, id } = await suspended({ retryBehavior });
    await executor.leave();
    await pool.pass(TIMEOUT_MS - 1);
    expect(await pool.get(id)).toMatchObject({ state: "suspended" });
    await pool.pass(DEALT_WITH_MS);
    await pool.drain();
    expect(await pool.get(id)).toMatchObject({
      state: "finished",
      attempts: 1,
      reason: "timedOut",
      result: {
        kind: "failed",
        error: expect.stringContaining(
          "it was suspended, and nobody had ended it by",
        ),
      },
    });
    expect(await pool.effects("ran")).toEqual([]);
    expect((await pool.outcomes()).a).toMatchObject([{ kind: "failed" }]);
  });

  test("fails when its time is over also in a pool that is paused", async () => {
    const { executor, id } = await suspended();
    await executor.leave();
    await pool.setLimit(0);
    await pool.pass(TIMEOUT_MS + DEALT_WITH_MS);
    expect(await pool.get(id)).toMatchObject({ reason: "timedOut" });
  });

  test("does not expire: it has begun", async () => {
    const { executor, id } = await suspended({ expireAt: Date.now() + MINUTE });
    await executor.leave();
    await pool.pass(TIMEOUT_MS - 1);
    expect(await pool.get(id)).toMatchObject({ state: "suspended" });
  });

  test("is not moved by update", async () => {
    const { id } = await suspended();
    const runAt = Date.now();
    expect(await pool.t.mutation(api.works.update, { id, runAt })).toBe(
      "running",
    );
  });
});

describe("an end from outside", () => {
  test("that comes before the handler has ended counts, and its result does not", async () => {
    const { executor, attempt } = await begin();
    await suspend(attempt);
    expect(await complete(attempt.workId)).toBe("completed");
    expect(await outcome()).toEqual([success("from outside")]);
    // The handler holds its slot.
    expect(await executor.stats()).toBeNull();
    await executor.report([], { holding: [attempt.position] });
    expect(await executor.stats()).toMatchObject({
      open: [{ left: [attempt.position] }],
    });
    await executor.report([ended(attempt)]);
    expect(await outcome()).toEqual([success("from outside")]);
    expect(await suspend(attempt)).toBe("superseded");
  });

  test("that fails a work whose handler runs keeps it, and what that returns changes nothing", async () => {
    const { executor, attempt } = await begin();
    await suspend(attempt);
    expect(await fail(attempt.workId)).toBe("completed");
    await executor.report([ended(attempt)]);
    expect(await outcome()).toMatchObject([{ kind: "failed" }]);
    expect(await pool.work(attempt.workId)).not.toHaveProperty("next");
  });

  test("that comes between two attempts counts", async () => {
    const slow = { ...retryBehavior, initialBackoffMs: HOUR };
    const { executor, attempt } = await begin({ retryBehavior: slow });
    await executor.report([ended(attempt, failure())]);
    expect(await complete(attempt.workId)).toBe("completed");
    expect(await outcome()).toEqual([success("from outside")]);
    expect(await pool.rows("pendingStart")).toEqual([]);
  });

  test("of no work is answered", async () => {
    expect(await complete("nobody")).toBe("unknown");
  });

  test("with what cannot be kept is refused", async () => {
    const { id } = await suspended();
    await expect(complete(id, "x".repeat(1_000_001))).rejects.toThrow(
      "The result of complete may have at most 1000000 bytes",
    );
    await expect(fail(id, "")).rejects.toThrow(
      "error must be a string of 1 to 10000 characters",
    );
  });

  test("with a large result is kept, and goes with its outcome", async () => {
    const { id } = await suspended({ statusTtl: HOUR });
    await complete(id, "x".repeat(500_000));
    expect(await pool.get(id)).toMatchObject({
      result: success("x".repeat(500_000)),
    });
  });
});

describe("an attempt that suspends its work", () => {
  test("and fails has suspended nothing", async () => {
    const { executor, attempt } = await begin({ retryBehavior });
    await suspend(attempt);
    await executor.report([ended(attempt, failure())]);
    pool.moment();
    await pool.tick();
    await executor.report();
    const [again] = executor.attempts();
    expect(again).toMatchObject({ workId: attempt.workId });
    await executor.report([ended(again!)]);
    expect(await outcome()).toEqual([success("done")]);
  });

  test("and was canceled meanwhile ends as canceled", async () => {
    const { executor, attempt } = await begin();
    await suspend(attempt);
    await pool.cancel(attempt.workId);
    await executor.report([ended(attempt)]);
    expect(await outcome()).toEqual([{ kind: "canceled" }]);
  });

  test("and then says how it goes on is not suspended", async () => {
    const { executor, attempt } = await begin();
    await suspend(attempt);
    const { workId: id, fence } = attempt;
    const fnArgs = { key: "b" };
    await pool.t.mutation(api.attempts.continueWith, { id, fence, fnArgs });
    await executor.report([ended(attempt)]);
    expect(await pool.get(id)).toMatchObject({ state: "pending", hops: 1 });
  });

  test.each([999, Infinity, NaN])("for %s ms is refused", async (ms) => {
    const { attempt } = await begin();
    await expect(suspend(attempt, ms)).rejects.toThrow(
      "timeoutMs must be a number of milliseconds from 1000 (one second)",
    );
  });
});
