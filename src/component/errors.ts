/**
 * Errors that end a work at once, whatever its retry behavior says.
 *
 * They travel as the data of a `ConvexError`, which survives the way from one
 * function to another where classes do not. The marker is the one that
 * `@convex-dev/workpool` uses, so errors thrown with either package count.
 */
import { ConvexError } from "convex/values";

const MARKER = "__convexWorkpoolNonRetryable";

type NonRetryableErrorData = { readonly [MARKER]: true; message: string };

/**
 * Throw this from a function the pool runs when trying again cannot help: the
 * work fails with this message without further attempts.
 *
 * ```ts
 * if (response.status === 410) {
 *   throw new NonRetryableError(`${url} is gone`);
 * }
 * ```
 */
export class NonRetryableError extends ConvexError<NonRetryableErrorData> {
  constructor(message: string, options?: ErrorOptions) {
    super({ [MARKER]: true, message });
    this.name = new.target.name;
    if (options?.cause !== undefined) {
      this.cause = options.cause;
    }
  }
}

/** Whether `error` is a {@link NonRetryableError}, also after it crossed a function boundary. */
export function isNonRetryableError(error: unknown): boolean {
  if (error instanceof ConvexError) {
    return (
      hasMarker(error.data) && typeof markedMessage(error.data) === "string"
    );
  }
  return hasMarker(error);
}

/** The message a {@link NonRetryableError} was made with; undefined for any other error. */
export function getNonRetryableErrorMessage(
  error: unknown,
): string | undefined {
  return markedMessage(error instanceof ConvexError ? error.data : error);
}

function markedMessage(data: unknown): string | undefined {
  if (!hasMarker(data)) {
    return undefined;
  }
  const { message } = data as { message?: unknown };
  return typeof message === "string" ? message : undefined;
}

function hasMarker(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    (value as Record<string, unknown>)[MARKER] === true
  );
}
