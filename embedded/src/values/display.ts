/** Values as Convex's error messages show them. */
import type { JSONValue } from "convex/values";
import { decodeFloat, decodeInt64, specialOf } from "./special.js";

export function displayValue(value: JSONValue | undefined): string {
  switch (typeof value) {
    case "undefined":
      return "undefined";
    case "boolean":
      return String(value);
    case "number":
      return displayFloat(value);
    case "string":
      return JSON.stringify(value);
  }
  if (value === null) return "null";
  if (Array.isArray(value)) return `[${value.map(displayValue).join(", ")}]`;
  const object = value as { [key: string]: JSONValue | undefined };
  const special = specialOf(object);
  switch (special?.kind) {
    case "integer":
      return String(decodeInt64(special.base64));
    case "float":
      return displayFloat(decodeFloat(special.base64));
    case "bytes":
      return `b"${special.base64}"`;
    case "commitTs":
      return "[unresolved commit timestamp]";
  }
  const fields = Object.keys(object)
    .sort()
    .filter((field) => object[field] !== undefined)
    .map((field) => `${field}: ${displayValue(object[field])}`);
  return `{${fields.join(", ")}}`;
}

function displayFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude >= 1e16 || magnitude < 1e-5)) {
    return value.toExponential().replace("e+", "e");
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Bytes as people read them: "1 MiB", "1.05 MiB". */
export function displayBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${Number.isInteger(size) ? size : size.toFixed(2)} ${units[unit]}`;
}
