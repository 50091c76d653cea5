/** What is kept of the data of a `ConvexError` that a work failed with. Pure. */
import { ConvexError, getConvexSize, type Value } from "convex/values";
import { isOwnData } from "../errors.js";
import { isStorable } from "../nesting.js";
import { MAX_ERROR_DATA_BYTES } from "../shared.js";

/**
 * Undefined: it was another error, its data is too large or too deep for an outcome's row, or
 * says what the outcome says anyway.
 */
export function keptDataOf(error: unknown): unknown {
  if (!(error instanceof ConvexError)) return undefined;
  const data: unknown = error.data;
  const isKept =
    !isOwnData(data) &&
    isStorable(data) &&
    getConvexSize(data as Value) <= MAX_ERROR_DATA_BYTES;
  return isKept ? data : undefined;
}
