/**
 * Convex JSON writes values that JSON cannot express as one-field objects:
 * `{ $integer }`, `{ $float }`, `{ $bytes }` and, before a commit,
 * `{ $commitTs: null }`. Field names cannot start with "$", so these objects
 * cannot be confused with a user's.
 */
import type { JSONValue } from "convex/values";

export type Special =
  | { kind: "integer"; base64: string }
  | { kind: "float"; base64: string }
  | { kind: "bytes"; base64: string }
  | { kind: "commitTs" };

/** What a commit timestamp counts as until it is known: it sorts after every real one. */
export const MAX_INT64_BASE64 = encodeInt64(2n ** 63n - 1n);

/** The special value that `object` stands for, or null when it is an ordinary object. */
export function specialOf(object: {
  [key: string]: JSONValue | undefined;
}): Special | null {
  let only: string | null = null;
  for (const key in object) {
    if (only !== null) return null;
    only = key;
  }
  if (only === null || only.charCodeAt(0) !== 0x24 /* $ */) return null;
  const content = object[only];
  switch (only) {
    case "$integer":
    case "$float":
      if (typeof content !== "string" || byteLengthOfBase64(content) !== 8) {
        throw new Error(
          `Malformed ${only}: expected 8 bytes in base64, got ${JSON.stringify(content)}`,
        );
      }
      return { kind: only === "$float" ? "float" : "integer", base64: content };
    case "$bytes":
      if (typeof content !== "string") {
        throw new Error(
          `Malformed $bytes: expected a base64 string, got ${JSON.stringify(content)}`,
        );
      }
      return { kind: "bytes", base64: content };
    case "$commitTs":
      if (content !== null) throw new Error("$commitTs value must be null");
      return { kind: "commitTs" };
    default:
      return null;
  }
}

export function encodeInt64(value: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes.toString("base64");
}

export function decodeInt64(base64: string): bigint {
  return Buffer.from(base64, "base64").readBigInt64LE();
}

export function decodeFloat(base64: string): number {
  return Buffer.from(base64, "base64").readDoubleLE();
}

export function byteLengthOfBase64(base64: string): number {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return Math.floor((base64.length * 3) / 4) - padding;
}

export function isObject(
  value: JSONValue | undefined,
): value is { [key: string]: JSONValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
