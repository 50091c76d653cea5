/**
 * How deep values are. Functions take values of 64 levels, documents of 16: what is
 * deeper than a row of ours has room for is stored as text.
 */
import {
  convexToJson,
  getConvexSize,
  jsonToConvex,
  type Value,
} from "convex/values";

/**
 * Lists and objects in each other that arguments, contexts and results may have.
 * The rest of Convex's 64 is for what calls of ours put around them.
 */
export const MAX_NESTING = 50;

/** Of Convex's 16 levels per document, our rows take up to two. */
const MAX_STORED_NESTING = 14;

/** Ends also where a value contains itself. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof ArrayBuffer) return false;
  return (
    levels === 0 ||
    Object.values(value).some((each) => isDeeperThan(each, levels - 1))
  );
}

/** Whether a row has room for its levels. */
export function isStorable(value: unknown): boolean {
  return !isDeeperThan(value, MAX_STORED_NESTING);
}

/** As text, if it is too deep for a row. */
export function deepAsText(value: unknown): string | null {
  return !isStorable(value)
    ? JSON.stringify(convexToJson(value as Value))
    : null;
}

/** Bytes it takes where it is stored. */
export function storedSize(value: unknown): number {
  return getConvexSize(deepAsText(value) ?? (value as Value | undefined));
}

export function fromText(text: string): unknown {
  return jsonToConvex(JSON.parse(text));
}
