import { expect, test } from "vitest";
import { behindTheEnd, checkCursors, isPlaceOfRow } from "./cursor.js";

const at = (cursor: string | null, endCursor: string | null = null) => ({
  numItems: 1,
  cursor,
  endCursor,
});
const place = (...key: unknown[]) => JSON.stringify(key);

test.each([
  [null, null],
  [place("failed", 1, "x"), null],
  [null, place("failed", 1.5, "x")],
  ["[]", "[]"],
])("%j and %j are of the list", (cursor, endCursor) => {
  expect(() =>
    checkCursors(at(cursor, endCursor), (key) => isPlaceOfRow(key, ["failed"])),
  ).not.toThrow();
});

test.each([
  place("success", 1, "x"),
  place(1, "x"),
  place("failed", "name", 1, "x"),
  place("failed", "1", "x"),
  place("failed", 1, 2),
  place("failed", 1, ""),
  place("failed", 1, "x".repeat(101)),
  '["failed",1e999,"x"]',
])("%s is not", (cursor) => {
  const isPlace = (key: unknown[]) => isPlaceOfRow(key, ["failed"]);
  expect(() => checkCursors(at(cursor), isPlace)).toThrow(
    "paginationOpts.cursor must be null or the continueCursor of another page of this list, not ",
  );
  expect(() => checkCursors(at(null, cursor), isPlace)).toThrow(
    "paginationOpts.endCursor must be",
  );
});

test("what rows have in common may be nothing, and may look like it", () => {
  expect(isPlaceOfRow(["undefined", 1, "x"], [undefined])).toBe(true);
  expect(isPlaceOfRow(["_undefined", 1, "x"], ["undefined"])).toBe(true);
  expect(isPlaceOfRow(["undefined", 1, "x"], ["undefined"])).toBe(false);
});

test("behind the end is nothing", () => {
  expect(behindTheEnd(at("[]"))).toEqual({
    page: [],
    isDone: true,
    continueCursor: "[]",
  });
  expect(behindTheEnd(at(null))).toBeNull();
  expect(behindTheEnd(at(place(1, "x")))).toBeNull();
});
