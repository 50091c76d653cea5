import { describe, expect, test } from "vitest";
import { type AttemptEnd, type Settled, settleAttempt } from "./settle.js";

const NOW = 10_000;
const retryBehavior = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
const error = "Error: no luck";

const past = (number: number) => ({ number, endedAt: NOW, error });

function settle(
  end: AttemptEnd,
  work: Partial<Settled> = {},
  startedAt?: number,
) {
  const whole: Settled = {
    fnType: "action",
    retryBehavior,
    runAt: 7_000,
    _creationTime: 5_000.5,
    ...work,
  };
  return settleAttempt(whole, end, NOW, 0.5, startedAt);
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
      patch: { attempts, lastError: error, history: [past(attempts)] },
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
      history: [past(3)],
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
      reason: "workerLost",
    });
  });

  test("is remembered as such, and is the reason where it was the last", () => {
    expect(settle(lost())).toMatchObject({
      patch: { history: [{ number: 1, reason: "workerLost" }] },
    });
    expect(settle(lost(), { attempts: 2 })).toMatchObject({
      kind: "end",
      reason: "workerLost",
    });
  });
});

describe("an attempt that took too long", () => {
  const timedOut: AttemptEnd = { ...failed(), timedOut: true } as AttemptEnd;

  test("is one that failed, and says so", () => {
    expect(settle(timedOut, {}, 3_000)).toMatchObject({
      kind: "goOn",
      isRetry: true,
      patch: {
        history: [{ number: 1, startedAt: 3_000, reason: "timedOut" }],
      },
    });
    expect(settle(timedOut, { attempts: 2 })).toMatchObject({
      result: { kind: "failed", error },
      reason: "timedOut",
    });
  });

  test("leaves quarantine: it is not why an executor died", () => {
    expect(settle(timedOut, { isolate: "group" })).toMatchObject({
      patch: { isolate: false },
    });
  });
});

describe("the data of an error", () => {
  const withData = { ...failed(), errorData: { code: 7 } } as AttemptEnd;

  test("belongs to a work that failed with it, and to no other outcome", () => {
    expect(settle(withData, { attempts: 2 })).toMatchObject({
      errorData: { code: 7 },
    });
    expect(settle(withData, { canceled: true })).not.toHaveProperty(
      "errorData",
    );
    expect(settle(withData)).not.toHaveProperty("errorData");
  });
});

describe("an attempt that asked to be tried later", () => {
  const postponed: AttemptEnd = {
    kind: "postponed",
    ms: 60_000,
    why: "snoozed",
  };

  test("counts for nothing: the work waits as long as it asked, whatever retries it has", () => {
    expect(settle(postponed, { retryBehavior: undefined })).toEqual({
      ...free,
      dueAt: NOW + 60_000,
      patch: { postponed: 1 },
    });
    expect(settle(postponed, { postponed: 4 })).toMatchObject({
      patch: { postponed: 5 },
    });
  });

  test("ends the work the 1,001st time, and says so", () => {
    expect(settle(postponed, { postponed: 999 })).toMatchObject({
      kind: "goOn",
    });
    expect(settle(postponed, { postponed: 1_000 })).toMatchObject({
      kind: "end",
      result: {
        kind: "failed",
        error: expect.stringMatching(/put off 1000 times.*snoozed/),
      },
      attempts: 0,
    });
  });

  test("ends a canceled work as canceled", () => {
    for (const postponements of [0, 1_000]) {
      expect(
        settle(postponed, { postponed: postponements, canceled: true }),
      ).toMatchObject({ result: { kind: "canceled" } });
    }
  });
});

describe("a work that expires", () => {
  const soon = { expireAt: NOW + 50 };
  const expired = {
    kind: "end",
    result: { kind: "failed", error: expect.stringContaining("expired") },
    reason: "expired",
  };

  test("ends at once where no attempt could begin in time", () => {
    // The retry is due in 100 ms.
    expect(settle(failed(), soon)).toMatchObject({
      ...expired,
      result: {
        kind: "failed",
        error: expect.stringMatching(/1970-01-01T00:00:10.050Z.*no luck/),
      },
      attempts: 1,
      lastError: error,
      history: [{ number: 1 }],
    });
    const later = { kind: "postponed", ms: 60_000, why: "snoozed" } as const;
    expect(settle(later, soon)).toMatchObject(expired);
    expect(settle({ kind: "notStarted", error }, soon)).toMatchObject(expired);
    const over = { expireAt: NOW };
    expect(settle({ kind: "returned" }, over)).toMatchObject(expired);
    expect(settle(lost({ mayHaveBegun: false }), over)).toMatchObject(expired);
    expect(settle(lost(), { ...over, fnType: "query" })).toMatchObject(expired);
  });

  test("ends whatever time was set: any number in the past will do", () => {
    expect(settle({ kind: "returned" }, { expireAt: -1e300 })).toMatchObject(
      expired,
    );
  });

  test("waits as long as one could", () => {
    expect(settle({ kind: "returned" }, soon)).toEqual(free);
    expect(settle(failed(), { expireAt: NOW + 101 })).toMatchObject({
      kind: "goOn",
    });
  });

  test("ends as its last attempt did, where that needs no other", () => {
    const over = { expireAt: NOW };
    const success = { kind: "success", returnValue: 7 } as const;
    expect(settle(success, over)).toMatchObject({ result: success });
    expect(settle(failed(), { ...over, attempts: 2 })).toMatchObject({
      result: { kind: "failed", error },
    });
    expect(settle({ kind: "returned" }, { ...over, canceled: true })).toEqual({
      kind: "end",
      result: { kind: "canceled" },
      attempts: 0,
    });
  });
});

describe("a work whose retries are bounded in time", () => {
  const within = (maxElapsedMs: number) => ({
    retryBehavior: { ...retryBehavior, maxElapsedMs },
  });

  test("fails as its last attempt did, once a retry would begin too late", () => {
    // It was due at 7,000, and the retry would be at 10,100.
    expect(settle(failed(), within(3_101))).toMatchObject({ kind: "goOn" });
    expect(settle(failed(), within(3_100))).toEqual({
      kind: "end",
      result: { kind: "failed", error },
      attempts: 1,
      lastError: error,
      history: [past(1)],
    });
  });

  test("fails so also where the retry was due in time, and did not begin", () => {
    const history = [{ ...past(1), reason: "timedOut" as const }];
    const waited = { ...within(2_000), attempts: 1, lastError: error, history };
    expect(settle({ kind: "returned" }, waited)).toMatchObject({
      result: { kind: "failed", error },
      reason: "timedOut",
    });
  });

  test("may begin its first attempt as late as it likes", () => {
    expect(settle({ kind: "returned" }, within(0))).toEqual(free);
  });
});
