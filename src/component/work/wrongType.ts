/**
 * A function that was enqueued as something else than it is. The types refuse
 * that; a caller without types, or with a handle, learns it from the first
 * attempt, in the platform's words: what Convex says, and what it means here.
 */
import { NonRetryableError } from "../errors.js";

/**
 * Anchored: an error that user code threw, because it made such a call itself,
 * arrives as "Uncaught Error: …".
 */
const WRONG_TYPE =
  /^Trying to execute (\S+?)( in component '[^']*')? as (Query|Mutation|Action), but it is defined as (Query|Mutation|Action)\./;

const WORDS: Record<string, { what: string; method: string }> = {
  Query: { what: "a query", method: "enqueueQuery" },
  Mutation: { what: "a mutation", method: "enqueueMutation" },
  Action: { what: "an action", method: "enqueueAction" },
};

/**
 * Throws `error`, which the call of a work's function failed with, in our words
 * if the function is of another type. No other attempt could end otherwise.
 */
export function rethrowWrongType(error: unknown): never {
  const match = error instanceof Error && WRONG_TYPE.exec(error.message);
  if (!match) throw error;
  const [, path, inComponent = "", wanted, actual] = match;
  const { what, method } = WORDS[actual!]!;
  throw new NonRetryableError(
    `${path!.replace(".js:", ":")}${inComponent} is ${what} and was enqueued as ${WORDS[wanted!]!.what}: enqueue it with ${method}.`,
    { cause: error },
  );
}
