import { describe, expect, test } from "vitest";
import { DAY, MAX_TIMEOUT_MS, MIN_TIMEOUT_MS } from "./shared.js";
import {
  checkExcludeKinds,
  checkLogLevel,
  checkName,
  resolveStatusTtl,
  type StatusTtl,
} from "./validate.js";
import {
  checkRetryBehavior,
  checkTimeoutMs,
  MAX_DELAY_MS,
  resolveRunAt,
} from "./validateTime.js";

const NOW = 1_700_000_000_000;

describe("when a work runs", () => {
  test.each([
    [{}, NOW],
    [{ runAt: undefined, runAfter: undefined }, NOW],
    [{ runAt: NOW + 5 }, NOW + 5],
    [{ runAt: 0 }, 0],
    [{ runAfter: 0 }, NOW],
    [{ runAfter: 5 }, NOW + 5],
    [{ runAfter: -5 }, NOW],
    [{ runAfter: MAX_DELAY_MS }, NOW + MAX_DELAY_MS],
    [{ runAt: NOW + MAX_DELAY_MS }, NOW + MAX_DELAY_MS],
  ])("%j is at %i", (options, runAt) => {
    expect(resolveRunAt(options, NOW)).toBe(runAt);
  });

  test.each([
    [
      { runAt: 1, runAfter: 2 },
      "Give runAt or runAfter, not both (runAt: 1, runAfter: 2).",
    ],
    [{ runAt: NaN }, "not NaN"],
    [{ runAt: -Infinity }, "not -Infinity"],
    [{ runAt: NOW + MAX_DELAY_MS + 1 }, `not ${NOW + MAX_DELAY_MS + 1}`],
    [{ runAfter: Infinity }, "not Infinity"],
    [{ runAfter: MAX_DELAY_MS + 1 }, `not ${MAX_DELAY_MS + 1}`],
    [{ runAfter: "5" as unknown as number }, 'not "5"'],
  ])("%j is refused", (options, message) => {
    expect(() => resolveRunAt(options, NOW)).toThrow(message);
  });
});

describe("how long outcomes are kept", () => {
  test.each<[StatusTtl, ReturnType<typeof resolveStatusTtl>]>([
    [5, { success: 5, failed: 5, canceled: 5 }],
    [{}, { success: 0, failed: 7 * DAY, canceled: 0 }],
    [{ success: undefined }, { success: 0, failed: 7 * DAY, canceled: 0 }],
    [
      { failed: 0, canceled: 9 },
      { success: 0, failed: 0, canceled: 9 },
    ],
  ])("%j means %j", (ttl, resolved) => {
    expect(resolveStatusTtl(ttl)).toEqual(resolved);
  });

  test.each<[unknown, string]>([
    [NaN, "statusTtl must be"],
    [-1, "statusTtl must be"],
    [{ success: Infinity }, "statusTtl.success must be"],
    [
      { failure: 1 },
      'statusTtl has no field "failure". Did you mean "failed"? Its fields are success, failed, canceled.',
    ],
    [[], "statusTtl must be an object with success, failed, canceled"],
    ["1d", "statusTtl must be an object with success, failed, canceled"],
  ])("%j is refused", (ttl, message) => {
    expect(() => resolveStatusTtl(ttl as StatusTtl)).toThrow(message);
  });
});

describe("how long a work may take", () => {
  test.each([MIN_TIMEOUT_MS, 600_000, MAX_TIMEOUT_MS])("%i is good", (ms) => {
    expect(() => checkTimeoutMs(ms)).not.toThrow();
  });

  test.each<[unknown, string]>([
    [MIN_TIMEOUT_MS - 1, "not 999."],
    [MAX_TIMEOUT_MS + 1, "not 1620001."],
    [1500.5, "not 1500.5."],
    [NaN, "not NaN."],
    [Infinity, "not Infinity."],
    ["10m", 'not "10m".'],
  ])("%j is refused with the range", (ms, message) => {
    expect(() => checkTimeoutMs(ms as number)).toThrow(
      `timeoutMs must be an integer of milliseconds from 1000 (one second) to 1620000 (27 minutes), ${message}`,
    );
  });
});

test("a misspelled retry option is named", () => {
  const retry = { maxAttempts: 2, initialBackoff: 5, base: 2 };
  expect(() => checkRetryBehavior(retry as never, "retry")).toThrow(
    'retry has no field "initialBackoff". Did you mean "initialBackoffMs"? Its fields are maxAttempts, initialBackoffMs, base, maxBackoffMs, jitter, maxElapsedMs, intervalsMs.',
  );
});

test("a kind that no outcome has is named, with those there are", () => {
  // Holes.
  expect(() => checkExcludeKinds(Array(2))).toThrow("must be a list of");
  expect(() => checkExcludeKinds(["success", "sucess"])).toThrow(
    'onCompleteExcludeKinds must be a list of "success", "failed", "canceled", not ["success","sucess"].',
  );
});

test("a level that does not exist is named, with those there are", () => {
  expect(() => checkLogLevel("LOUD")).toThrow(
    'logLevel must be one of DEBUG, TRACE, INFO, REPORT, WARN, ERROR, not "LOUD".',
  );
});

test.each<[unknown, string]>([
  ["", 'not "".'],
  [7, "not 7."],
  ["x".repeat(1001), "(1003 characters)."],
])("the name %j is refused", (name, message) => {
  expect(() => checkName(name)).toThrow(
    "name must be a string of 1 to 1000 characters, not ",
  );
  expect(() => checkName(name)).toThrow(message);
});
