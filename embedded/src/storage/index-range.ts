/** Turns the range expressions of a query into an interval of index keys. */
import { AFTER_PREFIX, displayValue, orderKey } from "../values/index.js";
import { DeveloperError } from "./types.js";
import type { JSONValue, RangeExpression } from "./types.js";

export interface KeyInterval {
  /** Inclusive. */
  from: string;
  /** Exclusive. */
  to: string;
}

export const EVERYTHING: KeyInterval = { from: "", to: AFTER_PREFIX };

export function pointInterval(key: string): KeyInterval {
  return { from: key, to: key + "\0" };
}

type Inequality = Exclude<RangeExpression["type"], "Eq">;

/**
 * @param index as in messages: "table.index".
 * @param fields of the index, with `_creationTime`; `_id` comes last by itself.
 */
export function compileRange(
  index: string,
  fields: readonly string[],
  range: readonly RangeExpression[],
): KeyInterval {
  const equalities = new Map<string, JSONValue>();
  let lower: RangeExpression | null = null;
  let upper: RangeExpression | null = null;
  for (const expression of range) {
    const { type, fieldPath, value } = expression;
    if (type === "Eq") {
      if (equalities.has(fieldPath)) {
        throw alreadyDefined("equality", fieldPath, "==", value);
      }
      equalities.set(fieldPath, value);
      continue;
    }
    const isUpper = type === "Lt" || type === "Lte";
    if ((isUpper ? upper : lower) !== null) {
      throw alreadyDefined(
        isUpper ? "upper" : "lower",
        fieldPath,
        COMPARATORS[type],
        value,
      );
    }
    const other: RangeExpression | null = isUpper ? lower : upper;
    if (other !== null && other.fieldPath !== fieldPath) {
      throw new DeveloperError(
        `Upper and lower bounds in \`range\` can only be applied to a single index field. This query against index ${index} attempted to set a range bound on both "${other.fieldPath}" and "${fieldPath}". Consider using \`filter\` instead. See https://docs.convex.dev/using/indexes for more info.`,
      );
    }
    if (isUpper) upper = expression;
    else lower = expression;
  }
  const bounded = (lower ?? upper)?.fieldPath;
  if (bounded !== undefined && equalities.has(bounded)) {
    throw alreadyDefined("inequality", bounded, "==", equalities.get(bounded)!);
  }

  const prefix = equalityPrefix(index, fields, equalities, bounded);
  return {
    from: lower === null ? prefix : lowerKey(prefix, lower),
    to: upper === null ? prefix + AFTER_PREFIX : upperKey(prefix, upper),
  };
}

/** Checks that the fields used are a prefix of the index's, and encodes the equalities. */
function equalityPrefix(
  index: string,
  fields: readonly string[],
  equalities: Map<string, JSONValue>,
  bounded: string | undefined,
): string {
  const all = [...fields, "_id"];
  for (const field of [...equalities.keys(), bounded]) {
    if (field !== undefined && !all.includes(field)) {
      throw new DeveloperError(
        `The index range included a comparison with "${field}", but ${index} with fields ${list(all)} doesn't index this field. For more information see https://docs.convex.dev/using/indexes.`,
      );
    }
  }
  const used = all.filter((field) => equalities.has(field));
  if (bounded !== undefined) used.push(bounded);
  let prefix = "";
  for (const [position, field] of used.entries()) {
    if (all[position] !== field) {
      throw new DeveloperError(
        `Tried to query index ${index} but the query didn't use the index fields in order.\nIndex fields: ${list(all)}\nQuery fields: ${list(used)}\nFirst incorrect field: ${field}\nFor more information see https://docs.convex.dev/using/indexes.`,
      );
    }
    if (field !== bounded) prefix += keyOf(equalities.get(field)!);
  }
  return prefix;
}

function lowerKey(prefix: string, { type, value }: RangeExpression): string {
  const key = prefix + keyOf(value);
  return type === "Gt" ? key + AFTER_PREFIX : key;
}

function upperKey(prefix: string, { type, value }: RangeExpression): string {
  const key = prefix + keyOf(value);
  return type === "Lte" ? key + AFTER_PREFIX : key;
}

function keyOf(value: JSONValue): string {
  return orderKey(isUndefined(value) ? undefined : value);
}

export function isUndefined(value: JSONValue | undefined): boolean {
  return (
    value === undefined ||
    (typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      Object.hasOwn(value, "$undefined"))
  );
}

const COMPARATORS: Record<Inequality, string> = {
  Gt: ">",
  Gte: ">=",
  Lt: "<",
  Lte: "<=",
};

function alreadyDefined(
  bound: string,
  field: string,
  comparator: string,
  value: JSONValue,
): DeveloperError {
  const shown = isUndefined(value) ? "undefined" : displayValue(value);
  return new DeveloperError(
    `Already defined ${bound} bound in index range. Can't add "${field}" ${comparator} ${shown}.`,
  );
}

function list(fields: readonly string[]): string {
  return `[${fields.join(", ")}]`;
}
