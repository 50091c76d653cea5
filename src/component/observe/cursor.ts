/**
 * Cursors of lists: where a page ended. They come back from browsers, with another list perhaps, where
 * they would silently begin at its start or at its end. Pure.
 */
import { refuse } from "../refusal.js";
import type { PaginationOpts, WorkPage } from "./workList.js";

/** Of any index key, and any id. */
const MAX_ID_LENGTH = 100;

/** What comes behind the last page: nothing, instead of the first page again. */
export function behindTheEnd({ cursor }: PaginationOpts): WorkPage | null {
  const isAtEnd = cursor !== null && placeIn(cursor).length === 0;
  return isAtEnd ? { page: [], isDone: true, continueCursor: "[]" } : null;
}

function placeIn(cursor: string): unknown[] {
  return JSON.parse(cursor) as unknown[];
}

/**
 * @param isPlace - Whether a place is one of the list.
 * @throws when the cursor, or the end cursor, is of another list.
 */
export function checkCursors(
  { cursor, endCursor = null }: PaginationOpts,
  isPlace: (place: unknown[]) => boolean,
): void {
  for (const [option, value] of Object.entries({ cursor, endCursor })) {
    if (value === null) continue;
    const place = placeIn(value);
    // The end of a list is that of any.
    if (place.length === 0 || isPlace(place)) continue;
    refuse(
      `paginationOpts.${option}`,
      "null or the continueCursor of another page of this list",
      value,
    );
  }
}

/**
 * Whether this is the place of a row in an index: what the rows of the list have in
 * common, when it was created, and its id.
 */
export function isPlaceOfRow(
  place: unknown[],
  prefix: readonly (string | undefined)[],
): boolean {
  const [creationTime, id] = place.slice(prefix.length);
  return (
    place.length === prefix.length + 2 &&
    prefix.every((value, index) => place[index] === written(value)) &&
    Number.isFinite(creationTime) &&
    typeof id === "string" &&
    id.length > 0 &&
    id.length <= MAX_ID_LENGTH
  );
}

/** As the streams of `convex-helpers` write it in a cursor. */
function written(value: string | undefined): string {
  if (value === undefined) return "undefined";
  return value.endsWith("undefined") ? `_${value}` : value;
}
