/**
 * Checks a value against Convex's limits, counts its size, and copies it into the form
 * in which it is stored: fields in order, nothing shared with the caller.
 */
import type { JSONValue } from "convex/values";
import { displayBytes } from "./display.js";
import { sortedFields } from "./fields.js";
import { byteLengthOfBase64, specialOf } from "./special.js";

export const MAX_ARRAY_LENGTH = 8192;
export const MAX_OBJECT_FIELDS = 1024;
export const MAX_FIELD_NAME_LENGTH = 1024;
export const MAX_VALUE_NESTING = 64;
/** Of any value; a document may only have 1 MiB. */
export const MAX_VALUE_SIZE = 32 * 1024 * 1024;

const UNPAIRED_SURROGATE = /\p{Surrogate}/u;

export interface ValueMeasure {
  /** In bytes, as `getConvexSize` of "convex/values" counts. */
  size: number;
  /** 0 for a scalar, 1 for an object or array of scalars, and so on. */
  nesting: number;
  /** Holds a commit timestamp that is not known yet. */
  pending: boolean;
}

export interface NormalizedValue extends ValueMeasure {
  value: JSONValue;
}

/** Throws an Error in Convex's words when the value breaks a limit. */
export function normalizeValue(value: JSONValue): NormalizedValue {
  const pass = new Pass(true);
  const copy = pass.visit(value, 0);
  return { value: copy, ...pass.measure() };
}

/** The same without the copy. */
export function measureValue(value: JSONValue): ValueMeasure {
  const pass = new Pass(false);
  pass.visit(value, 0);
  return pass.measure();
}

/** Size in bytes of a value in Convex JSON. */
export function convexSize(value: JSONValue): number {
  return measureValue(value).size;
}

class Pass {
  private size = 0;
  private nesting = 0;
  private pending = false;

  constructor(private readonly copies: boolean) {}

  measure(): ValueMeasure {
    const { size, nesting, pending } = this;
    if (size > MAX_VALUE_SIZE) {
      throw new Error(
        `Value is too large (${displayBytes(size)} > maximum size ${displayBytes(MAX_VALUE_SIZE)})`,
      );
    }
    return { size, nesting, pending };
  }

  /** Returns the copy, or the value itself. */
  visit(value: JSONValue | undefined, depth: number): JSONValue {
    switch (typeof value) {
      case "boolean":
        this.size += 1;
        return value;
      case "number":
        this.size += 9;
        return value;
      case "string":
        if (UNPAIRED_SURROGATE.test(value)) {
          throw new Error(
            "String is not valid Unicode: it contains an unpaired surrogate",
          );
        }
        this.size += 2 + Buffer.byteLength(value, "utf8");
        return value;
      case "object":
        break;
      default:
        throw new Error(
          `${typeof value} is not a valid Convex value. To learn about Convex's supported types, see https://docs.convex.dev/using/types.`,
        );
    }
    if (value === null) {
      this.size += 1;
      return null;
    }
    if (Array.isArray(value)) return this.array(value, depth + 1);
    return this.object(
      value as { [key: string]: JSONValue | undefined },
      depth + 1,
    );
  }

  private array(values: JSONValue[], depth: number): JSONValue {
    this.enter(depth);
    if (values.length > MAX_ARRAY_LENGTH) {
      throw new Error(
        `Array length is too long (${values.length} > maximum length ${MAX_ARRAY_LENGTH})`,
      );
    }
    if (this.copies) return values.map((element) => this.visit(element, depth));
    for (const element of values) this.visit(element, depth);
    return values;
  }

  private object(
    object: { [key: string]: JSONValue | undefined },
    depth: number,
  ): JSONValue {
    const special = specialOf(object);
    if (special !== null) {
      switch (special.kind) {
        case "commitTs":
          this.size += 9;
          this.pending = true;
          return { $commitTs: null };
        case "integer":
          this.size += 9;
          return { $integer: special.base64 };
        case "float":
          this.size += 9;
          return { $float: special.base64 };
        case "bytes":
          this.size += 2 + byteLengthOfBase64(special.base64);
          return { $bytes: special.base64 };
      }
    }
    this.enter(depth);
    const fields = sortedFields(object);
    checkFieldCount(fields, object);
    const copy: { [key: string]: JSONValue } = {};
    for (const field of fields) {
      const content = object[field];
      if (content === undefined) continue;
      checkFieldName(field);
      this.size += field.length + 1;
      const value = this.visit(content, depth);
      if (this.copies) setField(copy, field, value);
    }
    return copy;
  }

  private enter(depth: number): void {
    this.size += 2;
    if (depth > this.nesting) this.nesting = depth;
    if (depth > MAX_VALUE_NESTING) {
      throw new Error(
        `Value is too nested (nested ${depth} levels deep > maximum nesting ${MAX_VALUE_NESTING})`,
      );
    }
  }
}

function checkFieldCount(
  fields: readonly string[],
  object: { [key: string]: JSONValue | undefined },
): void {
  if (fields.length <= MAX_OBJECT_FIELDS) return;
  const count = fields.filter((field) => object[field] !== undefined).length;
  if (count > MAX_OBJECT_FIELDS) {
    throw new Error(
      `Object has too many fields (${count} > maximum number ${MAX_OBJECT_FIELDS})`,
    );
  }
}

/** Sets a field even when it is called "__proto__". */
export function setField(
  object: { [key: string]: JSONValue },
  field: string,
  value: JSONValue,
): void {
  if (field === "__proto__") {
    Object.defineProperty(object, field, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    object[field] = value;
  }
}

const VALID_FIELD_NAME = /^(?!\$)[\x20-\x7e]{0,1024}$/;

export function checkFieldName(field: string): void {
  if (VALID_FIELD_NAME.test(field)) return;
  if (field.startsWith("$")) {
    throw new Error(`Field name ${field} starts with '$', which is reserved.`);
  }
  for (const char of field) {
    if (char < "\x20" || char > "\x7e") {
      throw new Error(
        `Field name ${field} has invalid character '${char}': Field names can only contain non-control ASCII characters`,
      );
    }
  }
  throw new Error(
    `Field name is too long (${field.length} > maximum ${MAX_FIELD_NAME_LENGTH})`,
  );
}

/** Table and index names. Throws an Error in Convex's words. */
export function checkIdentifier(name: string): void {
  if (name === "") throw new Error("Identifier cannot be empty");
  if (!/^[A-Za-z_]/.test(name)) {
    throw new Error(
      `Invalid first character '${name[0]}' in ${name}: Identifiers must start with an alphabetic character or underscore`,
    );
  }
  const invalid = /[^A-Za-z0-9_]/.exec(name);
  if (invalid !== null) {
    throw new Error(
      `Identifier ${name} has invalid character '${invalid[0]}': Identifiers can only contain alphanumeric characters or underscores`,
    );
  }
  if (name.length > 64) {
    throw new Error(`Identifier is too long (${name.length} > maximum 64)`);
  }
  if (/^_+$/.test(name)) {
    throw new Error(`Identifier ${name} cannot have exclusively underscores`);
  }
}
