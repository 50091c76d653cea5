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
