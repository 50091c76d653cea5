import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ended, failure, job, ProtocolTest } from "../../testing/protocol.js";
import { decideAfterAttempt } from "./results.js";

type Work = Parameters<typeof decideAfterAttempt>[0];
const retryBehavior = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
const work = (changes: Partial<Work> = {}): Work => ({
  attempts: 0,
  retryBehavior,
  ...changes,
});
const failed = (retryable = true) => ({
  kind: "failed" as const,
  error: "Error: no luck",
  retryable,
});
const after = (changes: Partial<Work>, retryable?: boolean) =>
  decideAfterAttempt(work(changes), failed(retryable), 0.5);
const endsFailed = {
  kind: "end",
  result: { kind: "failed", error: "Error: no luck" },
};
const endsCanceled = { kind: "end", result: { kind: "canceled" } };

describe("after an attempt failed,", () => {
  test("the work is retried, later each time, until its attempts are used up", () => {
    expect(after({ attempts: 0 })).toEqual({ kind: "retry", delayMs: 100 });
    expect(after({ attempts: 1 })).toEqual({ kind: "retry", delayMs: 200 });
    expect(after({ attempts: 2 })).toEqual(endsFailed);
    expect(after({ attempts: 7 })).toEqual(endsFailed);
  });

  test("the work has failed where nobody asked for retries", () => {
    expect(after({ retryBehavior: undefined })).toEqual(endsFailed);
    expect(
      after({ retryBehavior: { ...retryBehavior, maxAttempts: 1 } }),
    ).toEqual(endsFailed);
  });

  test("the work has failed when the error says that retrying is of no use", () => {
    expect(after({}, false)).toEqual(endsFailed);
  });

  test("a work canceled meanwhile ends as canceled instead of being retried", () => {
    expect(after({ canceled: true })).toEqual(endsCanceled);
  });

  test("a work canceled meanwhile has failed if it would not have been retried anyway", () => {
    expect(after({ canceled: true, attempts: 2 })).toEqual(endsFailed);
    expect(after({ canceled: true }, false)).toEqual(endsFailed);
  });
});

describe("a work that runs apart since its executor died", () => {
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

  /** How it waits after an attempt that ended so. */
  async function waitsAfter(
    outcome: Parameters<typeof ended>[1],
  ): Promise<{ kind: string; isolate: boolean }> {
    const id = await pool.enqueueOne(
      job("action", "act", { key: "a" }, { retryBehavior }),
    );
    await pool.run((ctx) => ctx.db.patch("work", id, { isolate: true }));
    const executor = await pool.startByHand();
    await executor.report([ended(executor.attempts()[0]!, outcome)]);
    const [entry] = await pool.rows("pendingStart");
    const { isolate } = (await pool.work(id))!;
    return { kind: entry!.kind, isolate: isolate === true };
  }

  test("runs among others again once an attempt has ended by itself", async () => {
    expect(await waitsAfter(failure())).toEqual({
      kind: "later",
      isolate: false,
    });
  });

  test.each([
    { kind: "returned" as const },
    { kind: "notStarted" as const, error: "Too many concurrent requests" },
  ])("stays apart when it was not even begun ($kind)", async (outcome) => {
    expect(await waitsAfter(outcome)).toEqual({
      kind: "isolated",
      isolate: true,
    });
  });
});
