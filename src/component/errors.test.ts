import {
  isNonRetryableError as peerIsNonRetryableError,
  NonRetryableError as PeerNonRetryableError,
} from "@convex-dev/workpool";
import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  getNonRetryableErrorMessage,
  isNonRetryableError,
  NonRetryableError,
  postponementOf,
  RateLimitedError,
  Snooze,
} from "./errors.js";

/** What arrives when a function throws `error` at its caller. */
const acrossFunctions = (error: ConvexError<any>) =>
  new ConvexError(error.data);

describe("an error that ends a work at once", () => {
  test("is recognised, with its message, also across functions", () => {
    const error = new NonRetryableError("gone", { cause: "410" });
    expect(error.cause).toBe("410");
    for (const seen of [error, acrossFunctions(error), error.data]) {
      expect(isNonRetryableError(seen)).toBe(true);
      expect(getNonRetryableErrorMessage(seen)).toBe("gone");
    }
  });

  test("is recognised whichever of the two packages it comes from", () => {
    const theirs = acrossFunctions(new PeerNonRetryableError("gone"));
    expect(isNonRetryableError(theirs)).toBe(true);
    expect(getNonRetryableErrorMessage(theirs)).toBe("gone");
    expect(
      peerIsNonRetryableError(acrossFunctions(new NonRetryableError("gone"))),
    ).toBe(true);
  });

  test("keeps the name of its class", () => {
    class GoneError extends NonRetryableError {}
    expect(new GoneError("x").name).toBe("GoneError");
    expect(isNonRetryableError(new GoneError("x"))).toBe(true);
  });
});

test.each([
  [new Error("gone")],
  [new ConvexError("gone")],
  [new ConvexError({ message: "gone" })],
  [new ConvexError({ __convexWorkpoolNonRetryable: true })],
  [null],
  [undefined],
  ["gone"],
  [{ __convexWorkpoolNonRetryable: "true" }],
])("%s is not one", (error) => {
  expect(isNonRetryableError(error)).toBe(false);
  expect(getNonRetryableErrorMessage(error)).toBeUndefined();
});

describe("an error that puts a work off", () => {
  test("is recognised on the other side of a function boundary", () => {
    const limited = new RateLimitedError({
      retryAfterMs: 30_000,
      limit: "mail",
    });
    expect(postponementOf(acrossFunctions(limited))).toEqual({
      ms: 30_000,
      why: "rate-limited (mail)",
    });
    expect(postponementOf(acrossFunctions(new Snooze({ ms: 0 })))).toEqual({
      ms: 0,
      why: "snoozed",
    });
    expect(isNonRetryableError(limited)).toBe(false);
  });

  test.each([
    [
      () => new Snooze({ ms: -1 }),
      "ms must be a number of milliseconds from 0 to 31536000000 (a year), not -1.",
    ],
    [() => new Snooze({ ms: NaN }), "ms must be"],
    [() => new Snooze({ ms: "1" as never }), "ms must be"],
    [
      () => new RateLimitedError({ retryAfterMs: 366 * 86_400_000 }),
      "retryAfterMs must be",
    ],
    [
      () => new RateLimitedError({ retryAfterMs: 1, limit: "" }),
      "limit must be a string of 1 to 200 characters",
    ],
  ])("is refused out of its range", (make, message) => {
    expect(make).toThrow(message);
  });

  test.each([
    [new Error("no")],
    [new ConvexError({ __convexWorkpoolPostpones: "snoozed", ms: -1 })],
    [new ConvexError({ __convexWorkpoolPostpones: "snoozed", ms: "1" })],
    [new ConvexError({ __convexWorkpoolPostpones: "other", ms: 1 })],
    [new ConvexError({ kind: "RateLimited", retryAfter: 5 })],
    [null],
  ])("%s is not one", (error) => {
    expect(postponementOf(error)).toBeNull();
  });
});
