import { describe, expect, test } from "vitest";
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
