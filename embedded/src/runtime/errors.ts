/**
 * The two ways a function can fail. What the function (or its caller) did
 * wrong is a {@link FunctionError}: the caller can catch it. What the
 * deployment could not do (overload, a lost race at commit, an internal fault)
 * is a {@link SystemError}: in a query or mutation it ends the whole
 * transaction, since what happened inside it can no longer be trusted.
 */
import type { JSONValue } from "../storage/types.js";

/** An error as Convex prints it: a message, the frames of a stack, and a ConvexError's data. */
export class FunctionError extends Error {
  constructor(
    message: string,
    /** Convex JSON of `ConvexError.data`. */
    readonly data?: JSONValue,
    /** Lines like "    at handler (../convex/mod.ts:12:3)"; null when the error has no place. */
    readonly frames: string[] | null = null,
  ) {
    super(message);
    this.name = "FunctionError";
  }

  /** What a caller, a log or a scheduled function's row shows: every line ends in a newline. */
  get display(): string {
    return [this.message, ...(this.frames ?? [])]
      .map((line) => `${line}\n`)
      .join("");
  }
}

export type SystemErrorCode =
  | "TooManyConcurrentRequests"
  | "OptimisticConcurrencyControlFailure"
  | "SystemTimeoutError"
  | "InternalServerError";

export class SystemError extends Error {
  constructor(
    readonly code: SystemErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = "SystemError";
  }
}

/** What a syscall refuses: the function sees an Error with exactly this message. */
export class SyscallError extends Error {
  constructor(
    message: string,
    /** Convex JSON: with it the function sees a ConvexError. */
    readonly data?: JSONValue,
  ) {
    super(message);
    this.name = "SyscallError";
  }
}

/** A feature of Convex that this deployment leaves out, named. */
export function notSupported(feature: string): SyscallError {
  return new SyscallError(
    `The embedded deployment does not have ${feature}. Run this function on Convex Cloud or on a self-hosted Convex backend.`,
  );
}

/** Why a query or mutation may not do this, in Convex's words. */
export function notInTransactions(what: string): Error {
  return new Error(
    `Can't use ${what} in queries and mutations. Please consider using an action. See https://docs.convex.dev/functions/actions for more details.`,
  );
}
