/**
 * The text that an outcome, a callback and a log carry for what a function threw. Pure.
 *
 * Convex words an error that crosses from one function to another as "Uncaught ",
 * its name, its message and the frames of its stack. With each function in between
 * that becomes the message of a further error, with "Uncaught Error: " before it and
 * further frames behind. Here the text reads as if there were none in between:
 *
 *     Uncaught Error: no seats left
 *         at reserve (../convex/seats.ts:12:9)
 *         at async handler (../convex/bookings.ts:30:5)
 *
 * Of the functions of the pool that lie between user code and the outcome nothing is
 * seen at all: they pass the text on as data (see `passOn`).
 */
import { ConvexError, type Value } from "convex/values";
import {
  getNonRetryableErrorMessage,
  type Postponement,
  postponementOf,
} from "../errors.js";
import { keptDataOf } from "./errorData.js";
import { isMissingFunction, messageOf } from "../platformTexts.js";

/**
 * Bounded, and without half a surrogate pair: it is stored and passed to callbacks,
 * and Convex stores valid Unicode only. An outcome that cannot be written would be lost.
 *
 * @param fnName - Of the function that was called, for the error to name it when it does not exist.
 */
export function formatError(error: unknown, fnName?: string): string {
  if (error instanceof UserCodeError) return error.message;
  const message = getNonRetryableErrorMessage(error);
  if (message !== undefined) return bounded(message);
  const text = unwrapped(messageOf(error));
  return bounded(
    fnName !== undefined && isMissingFunction(error)
      ? `${fnName} does not exist in the deployed code any more: it was removed or renamed after it was enqueued (${text.trim()})`
      : text,
  );
}

/** What an error says that was thrown again by each function on its way. */
function unwrapped(text: string): string {
  const inner = text.replace(THROWN_AGAIN, "");
  // Each level ends in a newline, so that its caller's frames stand apart.
  return inner === text ? text : inner.replace(BETWEEN_FRAMES, "\n");
}

/** Convex throws an error again as `Error`, or with its data as `ConvexError`. */
const THROWN_AGAIN = /^(?:Uncaught (?:Convex)?Error: )+(?=Uncaught )/;
const BETWEEN_FRAMES = /\n\n+(?= {4}at |$)/g;

function bounded(text: string): string {
  const rest = text.length - MAX_ERROR_LENGTH;
  return (
    rest > 0
      ? `${text.slice(0, MAX_ERROR_LENGTH)}… (${rest} more characters)`
      : text
  ).replace(UNPAIRED_SURROGATES, "\ufffd");
}

const UNPAIRED_SURROGATES = /\p{Surrogate}/gu;
const MAX_ERROR_LENGTH = 10_000;

const MARKER = "__convexWorkpoolUserCode";

/** What user code threw. Its message is the text of {@link formatError}. */
export class UserCodeError extends Error {
  constructor(
    message: string,
    /** What it asked for instead of an attempt. */
    readonly postponement: Postponement | null,
    /** Of a `ConvexError`. */
    readonly errorData: unknown,
    options: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** For a function of the pool to throw in place of what user code threw in it. */
export function passOn(error: unknown, fnName: string): Error {
  const errorData = keptDataOf(error) as Value | undefined;
  return new ConvexError({
    [MARKER]: true,
    text: formatError(error, fnName),
    postponement: postponementOf(error),
    ...(errorData === undefined ? {} : { errorData }),
  });
}

/** What {@link passOn} was given, on the other side of a call; any other error as it is. */
export function received(error: unknown): unknown {
  const data: unknown = error instanceof ConvexError ? error.data : null;
  if (typeof data !== "object" || data === null) return error;
  const { [MARKER]: marked, text, ...rest } = data as Record<string, unknown>;
  if (marked !== true || typeof text !== "string") return error;
  const postponement = (rest.postponement ?? null) as Postponement | null;
  const cause = { cause: error };
  return new UserCodeError(text, postponement, rest.errorData, cause);
}
