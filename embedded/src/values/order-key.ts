/**
 * Keys that sort like Convex values.
 *
 * `orderKey(a) < orderKey(b)` exactly when `a` sorts before `b` in a Convex
 * index: undefined < null < int64 < float64 < boolean < string < bytes < array <
 * object. A key is a string of the code units 0 to 255, one per byte, because
 * comparing two such strings with `<` is the fastest byte comparison there is in
 * JavaScript. A key is never a proper prefix of another, so the keys of several
 * values can be concatenated.
 *
 * Every value starts with a tag of at most 0x15; strings, bytes and containers end
 * with 0x00, which inside them is written 0x00 0xff. No tag is 0xff, so
 * `prefix + AFTER_PREFIX` lies behind every continuation of a prefix and before
 * everything else.
 */
import type { JSONValue } from "convex/values";
import { sortedFields } from "./fields.js";
import { isObject, MAX_INT64_BASE64, specialOf } from "./special.js";

export const AFTER_PREFIX = "\xff";

const UNDEFINED = "\x01";
const NULL = "\x03";
const INT64 = "\x08";
const FLOAT64 = "\x0d";
const FALSE = "\x0e";
const TRUE = "\x0f";
const STRING = "\x10";
const BYTES = "\x11";
const ARRAY = "\x12";
const OBJECT = "\x15";
const END = "\x00";

const scratch = Buffer.alloc(8);
// eslint-disable-next-line no-control-regex -- which strings are their own UTF-8 and need no escape
const PLAIN = /^[\x01-\x7f]*$/;

/** The key of a value in Convex JSON; `undefined` is a missing field. */
export function orderKey(value: JSONValue | undefined): string {
  switch (typeof value) {
    case "undefined":
      return UNDEFINED;
    case "boolean":
      return value ? TRUE : FALSE;
    case "number":
      scratch.writeDoubleBE(value);
      return floatKey();
    case "string":
      return STRING + terminated(value);
  }
  if (value === null) return NULL;
  if (Array.isArray(value)) {
    let key = ARRAY;
    for (const element of value) key += orderKey(element);
    return key + END;
  }
  return objectKey(value as { [key: string]: JSONValue | undefined });
}

function objectKey(object: { [key: string]: JSONValue | undefined }): string {
  const special = specialOf(object);
  switch (special?.kind) {
    case "integer":
      return integerKey(special.base64);
    case "commitTs":
      return integerKey(MAX_INT64_BASE64);
    case "float":
      scratch.write(special.base64, "base64");
      scratch.swap64();
      return floatKey();
    case "bytes":
      return (
        BYTES +
        escaped(Buffer.from(special.base64, "base64").toString("latin1")) +
        END
      );
  }
  let key = OBJECT;
  for (const field of sortedFields(object)) {
    const value = object[field];
    if (value === undefined) continue;
    // An empty field name would look like the end of the object.
    key += terminated(field) + (field === "" ? AFTER_PREFIX : "");
    key += orderKey(value);
  }
  return key + END;
}

function integerKey(base64: string): string {
  scratch.write(base64, "base64");
  scratch.swap64();
  scratch[0]! ^= 0x80;
  return INT64 + scratch.toString("latin1", 0, 8);
}

/** IEEE 754 total order of the big-endian double in `scratch`. */
function floatKey(): string {
  if (scratch[0]! & 0x80) {
    for (let i = 0; i < 8; i++) scratch[i]! ^= 0xff;
  } else {
    scratch[0]! ^= 0x80;
  }
  return FLOAT64 + scratch.toString("latin1", 0, 8);
}

function terminated(text: string): string {
  if (PLAIN.test(text)) return text + END;
  return escaped(Buffer.from(text, "utf8").toString("latin1")) + END;
}

function escaped(bytes: string): string {
  return bytes.includes(END) ? bytes.replaceAll(END, END + "\xff") : bytes;
}

/** The value at a field path of a document, or undefined. */
export function valueAt(
  value: JSONValue | undefined,
  path: readonly string[],
): JSONValue | undefined {
  let current = value;
  for (const field of path) {
    if (!isObject(current) || !Object.hasOwn(current, field)) return undefined;
    current = current[field];
  }
  return current;
}
