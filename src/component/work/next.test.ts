/** What attempts arrange to follow their success. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../_generated/api.js";
import type { Attempt } from "../loop/attempt.js";
import { HOUR, MAX_HOPS } from "../shared.js";
import {
  ended,
  failure,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import type { Item } from "./enqueue.js";
import { decodeWire } from "./wire.js";

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

const LARGE = "x".repeat(20_000);
const retryBehavior = { maxAttempts: 2, initialBackoffMs: 0, base: 1 };

async function begin(
  changes: Partial<Item> = {},
  fnArgs: Record<string, unknown> = { key: "a" },
): Promise<{ executor: HandExecutor; attempt: Attempt }> {
  await pool.enqueueOne(
    job("action", "act", fnArgs, {
      late: { work: "this" },
      ...recorded("a"),
      ...changes,
    }),
  );
  const executor = await pool.startOpenByHand();
  return { executor, attempt: executor.attempts()[0]! };
}
/** The attempt that the executor is given next. */
async function next(executor: HandExecutor): Promise<Attempt> {
  pool.moment();
  await pool.tick();
  const { next } = await executor.report();
  return next[0]!;
}
const continueWith = (
  { workId, fence }: Pick<Attempt, "workId" | "fence">,
  fnArgs: Record<string, unknown>,
) => pool.t.mutation(api.attempts.continueWith, { id: workId, fence, fnArgs });
const failed = (text: string) => ({ kind: "failed", error: text });

describe("an attempt that says how its work goes on", () => {
  test("and succeeds: the same work has the new arguments, and no outcome yet", async () => {
    const { executor, attempt } = await begin();
    expect(await continueWith(attempt, { key: "b" })).toBe("noted");
    await executor.report([ended(attempt)]);
    expect(await pool.outcomes()).toEqual({});
    expect(await pool.status(attempt.workId)).toEqual({
      state: "pending",
      previousAttempts: 0,
    });
    const second = await next(executor);
    expect(second.workId).toBe(attempt.workId);
    expect(second.fnArgs).toMatchObject({ key: "b" });
    // What it is told of itself is of this attempt.
    expect(decodeWire((second.fnArgs as any).work)).toMatchObject({
      id: attempt.workId,
      fence: second.fence,
      number: 1,
    });
    expect(await pool.get(second.workId)).toMatchObject({ hops: 1 });
    await executor.report([ended(second)]);
    expect(await pool.outcomes()).toEqual({
      a: [{ kind: "success", returnValue: "done" }],
    });
    expect(await pool.rows("work")).toEqual([]);
  });

  test("keeps arguments that are called like what all objects have", async () => {
    const { executor, attempt } = await begin();
    const fnArgs = { constructor: 1, toString: 2, valueOf: 3, work: "old" };
    expect(await continueWith(attempt, fnArgs)).toBe("noted");
    await executor.report([ended(attempt)]);
    const { work: _, ...rest } = (await next(executor)).fnArgs as any;
    expect(rest).toEqual({ constructor: 1, toString: 2, valueOf: 3 });
  });

  test("and fails: it is tried again with its own arguments, and the others are gone", async () => {
    const { executor, attempt } = await begin({ retryBehavior });
    await continueWith(attempt, { key: LARGE });
    expect(await pool.rows("payload")).toHaveLength(1);
    await executor.report([ended(attempt, failure())]);
    expect(await pool.rows("payload")).toEqual([]);
    const again = await next(executor);
    expect(again.fnArgs).toMatchObject({ key: "a" });
    await executor.report([ended(again)]);
    expect(await pool.outcomes()).toMatchObject({ a: [{ kind: "success" }] });
  });

  test("has all attempts for what follows", async () => {
    const { executor, attempt } = await begin({ retryBehavior });
    await executor.report([ended(attempt, failure())]);
    const second = await next(executor);
    await continueWith(second, { key: "b" });
    await executor.report([ended(second)]);
    const third = await next(executor);
    await executor.report([ended(third, failure("Error: third"))]);
    const fourth = await next(executor);
    expect(fourth.fnArgs).toMatchObject({ key: "b" });
    await executor.report([ended(fourth, failure("Error: fourth"))]);
    expect(await pool.outcomes()).toEqual({ a: [failed("Error: fourth")] });
    expect(await pool.get(attempt.workId)).toMatchObject({
      attempts: 2,
      hops: 1,
    });
  });

  test("more than once: the last word holds, and nothing of the others is left", async () => {
    const { executor, attempt } = await begin({}, { key: LARGE });
    await continueWith(attempt, { key: `${LARGE}1` });
    await continueWith(attempt, { key: `${LARGE}2` });
    await executor.report([ended(attempt)]);
    const second = await next(executor);
    expect(second.fnArgs).toMatchObject({ key: `${LARGE}2` });
    expect(await pool.rows("payload")).toHaveLength(1);
    await executor.report([ended(second)]);
    expect(await pool.rows("payload")).toEqual([]);
  });

  test("may pass its own arguments on: what it was told of itself is told anew", async () => {
    const { executor, attempt } = await begin();
    await continueWith(attempt, { ...(attempt.fnArgs as any), key: "b" });
    await executor.report([ended(attempt)]);
    const second = await next(executor);
    expect(decodeWire((second.fnArgs as any).work).fence).toBe(second.fence);
  });

  test("is refused when it is over, or its work was canceled", async () => {
    const { executor, attempt } = await begin({ retryBehavior });
    await executor.report([ended(attempt, failure())]);
    expect(await continueWith(attempt, {})).toBe("superseded");
    const again = await next(executor);
    await pool.cancel(again.workId);
    expect(await continueWith(again, {})).toBe("canceled");
    expect((await pool.rows("work"))[0]).not.toHaveProperty("next");
  });

  test("is refused after as many hops as there may be", async () => {
    const { attempt } = await begin();
    await pool.run((ctx) =>
      ctx.db.patch("work", attempt.workId, { hops: MAX_HOPS }),
    );
    expect(await continueWith(attempt, {})).toBe("tooManyHops");
  });

  test("with arguments that are too large is refused", async () => {
    const { attempt } = await begin();
    const fnArgs = { key: "x".repeat(1_000_001) };
    await expect(continueWith(attempt, fnArgs)).rejects.toThrow(
      "The arguments of jobs:act may have at most 1000000 bytes",
    );
  });

  test("and was canceled meanwhile: it ends as canceled", async () => {
    const { executor, attempt } = await begin();
    await continueWith(attempt, { key: LARGE });
    await pool.cancel(attempt.workId);
    await executor.report([ended(attempt)]);
    expect(await pool.outcomes()).toEqual({ a: [{ kind: "canceled" }] });
    expect(await pool.rows("payload")).toEqual([]);
  });

  test("and is abandoned meanwhile: nothing is left of it", async () => {
    const { attempt } = await begin();
    await continueWith(attempt, { key: LARGE });
    const id = attempt.workId;
    await pool.t.mutation(api.lib.cancel, { id, running: "abandon" });
    expect(await pool.rows("work")).toEqual([]);
    expect(await pool.rows("payload")).toEqual([]);
  });

  test("and whose worker is lost: what it said is void", async () => {
    const { executor, attempt } = await begin({ retryBehavior });
    await continueWith(attempt, { key: LARGE });
    await executor.becomes({ kind: "success" });
    await pool.guard();
    expect(await pool.rows("payload")).toEqual([]);
    expect((await pool.work(attempt.workId))!.next).toBeUndefined();
    expect((await pool.work(attempt.workId))!.fnArgs).toEqual({ key: "a" });
  });

  test("and expires meanwhile: it fails, and another round goes on from there", async () => {
    const expireAt = Date.now() + HOUR;
    const { executor, attempt } = await begin({ expireAt });
    await continueWith(attempt, { key: "b" });
    vi.setSystemTime(expireAt);
    await executor.report([ended(attempt)]);
    expect(await pool.get(attempt.workId)).toMatchObject({ reason: "expired" });
    expect((await pool.work(attempt.workId))!.fnArgs).toEqual({ key: "b" });
  });
});
