import { describe, expect, test } from "vitest";
import { type AttemptEnd, type Settled, settleAttempt } from "./settle.js";

const NOW = 10_000;
const retryBehavior = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
const error = "Error: no luck";

function settle(end: AttemptEnd, work: Partial<Settled> = {}) {
  const whole: Settled = {
    fnType: "action",
    retryBehavior,
    runAt: 7_000,
    _creationTime: 5_000.5,
    ...work,
  };
  return settleAttempt(whole, end, NOW, 0.5);
}

const failed = (retryable = true): AttemptEnd => ({
  kind: "failed",
  error,
  retryable,
});
const lost = (
  changes: { mayHaveBegun?: boolean; byMemory?: boolean } = {},
) => ({
  kind: "lost" as const,
  error,
  mayHaveBegun: true,
  byMemory: false,
  ...changes,
});
const free = {
  kind: "goOn",
  isRetry: false,
  dueAt: 7_000,
  patch: {},
  long: false,
  isSuspect: false,
};

describe("an attempt that succeeded", () => {
  test("ends the work, also one that was canceled meanwhile", () => {
    const success = { kind: "success", returnValue: 7 } as const;
    for (const work of [{}, { canceled: true }]) {
      expect(settle(success, { attempts: 1, ...work })).toEqual({
        kind: "end",
        result: success,
        attempts: 2,
      });
    }
  });
});

describe("an attempt that failed", () => {
  test("is followed by another, later each time, until they are used up", () => {
    const retry = (attempts: number, delayMs: number) => ({
      kind: "goOn",
      isRetry: true,
      dueAt: NOW + delayMs,
      patch: { attempts, lastError: error },
      long: false,
      isSuspect: false,
    });
    expect(settle(failed())).toEqual(retry(1, 100));
    expect(settle(failed(), { attempts: 1 })).toEqual(retry(2, 200));
    expect(settle(failed(), { attempts: 2 })).toEqual({
      kind: "end",
      result: { kind: "failed", error },
      attempts: 3,
      lastError: error,
    });
    expect(settle(failed(), { attempts: 7 })).toMatchObject({ kind: "end" });
  });

  test.each([
    ["nobody asked for retries", failed(), { retryBehavior: undefined }],
    [
      "one attempt was asked for",
      failed(),
      { retryBehavior: { ...retryBehavior, maxAttempts: 1 } },
    ],
    ["its error says that retrying is of no use", failed(false), {}],
  ])("ends the work as failed where %s", (_, end, work) => {
    expect(settle(end, work)).toMatchObject({
      kind: "end",
      result: { kind: "failed", error },
    });
  });

  test.each([
    ["another would have followed", failed(), {}],
    ["it was the last", failed(), { attempts: 2 }],
    ["it failed for good", failed(false), {}],
    ["its worker died", lost(), {}],
  ])("ends a canceled work as canceled: %s", (_, end, work) => {
    expect(settle(end, { canceled: true, ...work })).toMatchObject({
      kind: "end",
      result: { kind: "canceled" },
      lastError: error,
    });
  });

  test("takes the work out of quarantine, if it ended by itself", () => {
    const isolated = { isolate: "group" };
    expect(settle(failed(), isolated)).toMatchObject({
      patch: { isolate: false },
    });
    const { patch } = settle(lost(), isolated) as { patch: object };
    expect(patch).not.toHaveProperty("isolate");
  });
});

describe("an attempt that was not made", () => {
  test.each([
    ["it was given back", { kind: "returned" } as const],
    ["its worker died before it", lost({ mayHaveBegun: false })],
  ])("leaves the work in its old place: %s", (_, end) => {
    expect(settle(end)).toEqual(free);
    expect(settle(end, { canceled: true, attempts: 1 })).toEqual({
      kind: "end",
      result: { kind: "canceled" },
      attempts: 1,
    });
  });

  test("since its executor was too old, makes it go on as a long work", () => {
    expect(settle({ kind: "returned", tooOld: true })).toEqual({
      ...free,
      long: true,
    });
  });

  test("since the platform refused it, is made after a while", () => {
    expect(settle({ kind: "notStarted", error: "overload" })).toEqual({
      ...free,
      dueAt: NOW + 1_500,
    });
  });
});

describe("an attempt whose worker died", () => {
  test("counts for an action, which is suspected if memory was exhausted", () => {
    expect(settle(lost())).toMatchObject({ isRetry: true, isSuspect: false });
    expect(settle(lost({ byMemory: true }))).toMatchObject({
      isRetry: true,
      isSuspect: true,
      patch: { attempts: 1, lastError: error },
    });
  });

  test.each(["mutation", "query"] as const)(
    "does not count for a %s, which runs once whatever happens",
    (fnType) => {
      expect(settle(lost({ byMemory: true }), { fnType })).toEqual({
        ...free,
        patch: { lastError: error },
      });
    },
  );

  test("ends the work once it could not be recovered again and again", () => {
    expect(settle({ kind: "givenUp", error }, { attempts: 1 })).toEqual({
      kind: "end",
      result: { kind: "failed", error },
      attempts: 1,
      lastError: error,
    });
  });
});
