import { describe, expect, test } from "vitest";
import { DAY, DEFAULT_RETRY_BEHAVIOR } from "../component/shared.js";
import { combineStatusTtl, resolveRetry } from "./options.js";

const own = { maxAttempts: 2, initialBackoffMs: 1, base: 1 };
const pools = { maxAttempts: 3, initialBackoffMs: 1, base: 1 };

describe("an action is retried", () => {
  test.each([
    ["not at all by default", {}, undefined, undefined],
    [
      "by default if the pool says so",
      { retryActionsByDefault: true },
      undefined,
      DEFAULT_RETRY_BEHAVIOR,
    ],
    [
      "as the pool says",
      { retryActionsByDefault: true, defaultRetryBehavior: pools },
      undefined,
      pools,
    ],
    [
      "not for the pool's behavior alone",
      { defaultRetryBehavior: pools },
      undefined,
      undefined,
    ],
    [
      "as the pool says when asked to",
      { defaultRetryBehavior: pools },
      true,
      pools,
    ],
    ["by the default when asked to", {}, true, DEFAULT_RETRY_BEHAVIOR],
    [
      "not if it should not be",
      { retryActionsByDefault: true },
      false,
      undefined,
    ],
    [
      "as it says itself",
      { retryActionsByDefault: true, defaultRetryBehavior: pools },
      own,
      own,
    ],
  ])("%s", (_, pool, retry, behavior) => {
    expect(resolveRetry(pool, retry)).toEqual(behavior);
  });
});

describe("outcomes are kept", () => {
  test.each([
    ["as by default when nothing is said", undefined, undefined, undefined],
    [
      "as the pool says",
      { success: 5 },
      undefined,
      { success: 5, failed: 7 * DAY, canceled: 0 },
    ],
    ["as the work says", undefined, 5, { success: 5, failed: 5, canceled: 5 }],
    [
      "by kind as the work, else as the pool says",
      5,
      { failed: 0 },
      { success: 5, failed: 0, canceled: 5 },
    ],
  ])("%s", (_, pool, own, ttl) => {
    expect(combineStatusTtl(pool, own)).toEqual(ttl);
  });
});
