/** How values are written in replies. */
import { jsonToConvex, type Value } from "convex/values";
import type { JSONValue } from "../storage/types.js";
import { describe } from "./describe.js";
import { badRequest } from "./errors.js";

/**
 * "convex_encoded_json" keeps every type apart (`{ $integer: … }`) and is what
 * Convex's own clients ask for; "json" is plain JSON for everyone else, where an
 * int64 becomes a string and bytes become base64.
 */
export type ValueFormat = "convex_encoded_json" | "json";

export function parseFormat(
  format: unknown,
  clientVersion: string | null,
): ValueFormat {
  if (format === undefined || format === null) {
    return clientVersion === null ? "json" : "convex_encoded_json";
  }
  if (format === "convex_encoded_json" || format === "json") return format;
  throw badRequest(
    "InvalidFormat",
    `The format ${describe(format)} is not known: use "json" or "convex_encoded_json".`,
  );
}

export function exportValue(value: JSONValue, format: ValueFormat): JSONValue {
  return format === "json" ? plain(jsonToConvex(value)) : value;
}

function plain(value: Value): JSONValue {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") {
    return Number.isFinite(value) ? value : String(value);
  }
  if (value instanceof ArrayBuffer) {
    return Buffer.from(value).toString("base64");
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, field]) => [key, plain(field as Value)]),
    );
  }
  return value as JSONValue;
}
