/** Documents: checked on the way in, immutable afterwards. */
import {
  convexSize,
  displayBytes,
  displayValue,
  encodeInt64,
  isObject,
  MAX_VALUE_NESTING,
  normalizeValue,
  specialOf,
} from "../values/index.js";
import { DeveloperError, isSystemTable } from "./types.js";
import type { JSONObject, JSONValue, StoredDocument, Ts } from "./types.js";

export const MAX_DOCUMENT_SIZE = 1024 * 1024;
export const MAX_DOCUMENT_NESTING = 16;

export class Document implements StoredDocument {
  private serialized: string | null = null;

  constructor(
    readonly id: string,
    readonly table: string,
    readonly creationTime: number,
    readonly value: JSONObject,
    readonly size: number,
    /** Holds a commit timestamp that the commit will fill in. */
    readonly pending: boolean,
  ) {}

  get json(): string {
    return (this.serialized ??= JSON.stringify(this.value));
  }

  /** The document as it is once its commit timestamp is known. */
  resolve(ts: Ts): Document {
    if (!this.pending) return this;
    const resolved = fillIn(this.value, { $integer: encodeInt64(ts) });
    return new Document(
      this.id,
      this.table,
      this.creationTime,
      resolved as JSONObject,
      this.size,
      false,
    );
  }
}

/**
 * A document of these fields. They may repeat `_id` and `_creationTime`, but not
 * change them. Throws a DeveloperError in Convex's words.
 */
export function buildDocument(
  id: string,
  table: string,
  creationTime: number,
  fields: JSONObject,
): Document {
  if (!isObject(fields) || specialOf(fields) !== null) {
    throw new DeveloperError("Value must be an Object");
  }
  if (fields._id !== undefined && fields._id !== id) {
    throw new DeveloperError(
      `Provided document ID ${JSON.stringify(id)} doesn't match '_id' field ${displayValue(fields._id)}`,
    );
  }
  if (
    fields._creationTime !== undefined &&
    fields._creationTime !== creationTime
  ) {
    throw new DeveloperError(
      `Provided creation time ${creationTime} doesn't match '_creationTime' field in ${displayValue(fields)}`,
    );
  }
  const { value, size, nesting, pending } = asDeveloperError(() =>
    normalizeValue({ ...fields, _id: id, _creationTime: creationTime }),
  );
  const violations = [];
  // Convex keeps the arguments of scheduled functions as bytes: they are as deep as any value.
  const maxNesting = isSystemTable(table)
    ? MAX_VALUE_NESTING
    : MAX_DOCUMENT_NESTING;
  if (nesting > maxNesting) {
    violations.push(
      `Document is too nested (nested ${nesting} levels deep > maximum nesting ${maxNesting})`,
    );
  }
  for (const field in value as JSONObject) {
    if (field.startsWith("_") && field !== "_id" && field !== "_creationTime") {
      violations.push(
        `Field '${field}' starts with an underscore, which is only allowed for system fields like '_id'`,
      );
    }
  }
  if (violations.length > 0) {
    throw new DeveloperError(
      `${displayValue(value)} isn't a valid document: ${violations.join("\n ")}`,
    );
  }
  return new Document(
    id,
    table,
    creationTime,
    value as JSONObject,
    size,
    pending,
  );
}

/** System tables may hold larger documents (modules, results). */
export function checkDocumentSize(document: Document): void {
  if (document.size > MAX_DOCUMENT_SIZE) {
    throw new DeveloperError(
      `Value is too large (${displayBytes(document.size)} > maximum size ${displayBytes(MAX_DOCUMENT_SIZE)})`,
    );
  }
}

/** A document as it was written to disk: it was checked before. */
export function restoreDocument(table: string, json: string): Document {
  const value = JSON.parse(json) as JSONObject;
  return new Document(
    value._id as string,
    table,
    value._creationTime as number,
    value,
    convexSize(value),
    false,
  );
}

export function asDeveloperError<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof DeveloperError
      ? error
      : new DeveloperError((error as Error).message);
  }
}

function fillIn(value: JSONValue, ts: JSONValue): JSONValue {
  if (Array.isArray(value)) return value.map((element) => fillIn(element, ts));
  if (!isObject(value)) return value;
  const special = specialOf(value);
  if (special !== null) return special.kind === "commitTs" ? ts : value;
  return Object.fromEntries(
    Object.entries(value).map(([field, content]) => [
      field,
      fillIn(content as JSONValue, ts),
    ]),
  );
}
