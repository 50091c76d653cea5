/**
 * Checks values against validators (the JSON that `validator.json` of
 * "convex/values" gives), with the error texts of Convex.
 */
import type { JSONValue } from "convex/values";
import { displayValue } from "./display.js";
import { sortedFields } from "./fields.js";
import { tableNumberOf } from "./id.js";
import { isObject, specialOf } from "./special.js";

type ObjectFields = Record<
  string,
  { fieldType: ValidatorJSON; optional: boolean }
>;

export type ValidatorJSON =
  | { type: "null" | "number" | "bigint" | "commitTs" }
  | { type: "boolean" | "string" | "bytes" | "any" }
  | { type: "literal"; value: JSONValue }
  | { type: "id"; tableName: string }
  | { type: "array"; value: ValidatorJSON }
  | {
      type: "record";
      keys: ValidatorJSON;
      values: { fieldType: ValidatorJSON; optional: boolean };
    }
  | { type: "object"; value: ObjectFields }
  | { type: "union"; value: ValidatorJSON[] };

/** The name of the table with this number in the namespace at hand, or null. */
export type TableResolver = (tableNumber: number) => string | null;

/** Why `value` does not match, or null when it does. */
export function validationError(
  validator: JSONValue,
  value: JSONValue,
  tables: TableResolver,
): string | null {
  const mismatch = check(validator as unknown as ValidatorJSON, value, tables);
  if (mismatch === null) return null;
  const path = mismatch.path.reverse().join("");
  return mismatch.text(path === "" ? "" : `Path: ${path}`);
}

/** As Convex refuses a call: null, or the message of the error to throw. */
export function argumentValidationError(
  validator: JSONValue,
  args: JSONValue,
  tables: TableResolver,
): string | null {
  const error = validationError(validator, args, tables);
  return error === null ? null : `ArgumentValidationError: ${error}`;
}

/** As Convex refuses what a function returned: null, or the message of the error. */
export function returnsValidationError(
  validator: JSONValue | null,
  value: JSONValue,
  tables: TableResolver,
): string | null {
  if (validator === null) return null;
  const error = validationError(validator, value, tables);
  return error === null ? null : `ReturnsValidationError: ${error}`;
}

interface Mismatch {
  text: (path: string) => string;
  /** Innermost step first. */
  path: string[];
}

function check(
  validator: ValidatorJSON,
  value: JSONValue,
  tables: TableResolver,
): Mismatch | null {
  switch (validator.type) {
    case "any":
      return null;
    case "null":
      return value === null ? null : noMatch(validator, value);
    case "boolean":
    case "string":
      return typeof value === validator.type ? null : noMatch(validator, value);
    case "number":
      return typeof value === "number" || kindOf(value) === "float"
        ? null
        : noMatch(validator, value);
    case "bigint":
    case "commitTs": {
      // A timestamp that is not known yet passes for the int64 it will become.
      const kind = kindOf(value);
      return kind === "integer" || kind === "commitTs"
        ? null
        : noMatch(validator, value);
    }
    case "bytes":
      return kindOf(value) === "bytes" ? null : noMatch(validator, value);
    case "literal":
      return JSON.stringify(value) === JSON.stringify(validator.value)
        ? null
        : mismatch(
            (path) =>
              `\`${displayValue(value)}\` does not match literal validator \`v.literal(${displayLiteral(validator.value)})\`.${path}`,
          );
    case "id":
      return checkId(validator, value, tables);
    case "array":
      if (!Array.isArray(value)) return noMatch(validator, value);
      for (let i = 0; i < value.length; i++) {
        const found = check(validator.value, value[i]!, tables);
        if (found !== null) return at(`[${i}]`, found);
      }
      return null;
    case "record":
      return checkRecord(validator, value, tables);
    case "object":
      return checkObject(validator, value, tables);
    case "union":
      if (validator.value.length === 1) {
        return check(validator.value[0]!, value, tables);
      }
      return validator.value.some((one) => check(one, value, tables) === null)
        ? null
        : noMatch(validator, value);
    default:
      throw new Error(
        `Unknown validator type ${JSON.stringify((validator as { type: unknown }).type)}`,
      );
  }
}

function checkId(
  validator: { type: "id"; tableName: string },
  value: JSONValue,
  tables: TableResolver,
): Mismatch | null {
  const number = typeof value === "string" ? tableNumberOf(value) : null;
  const table = number === null ? null : tables(number);
  if (table === null) return noMatch(validator, value);
  if (table === validator.tableName) return null;
  const origin = table.startsWith("_")
    ? "from a system table"
    : `from table \`${table}\``;
  return mismatch(
    (path) =>
      `Found ID "${String(value)}" ${origin}, which does not match the table name in validator \`v.id("${validator.tableName}")\`.${path}`,
  );
}

function checkRecord(
  validator: Extract<ValidatorJSON, { type: "record" }>,
  value: JSONValue,
  tables: TableResolver,
): Mismatch | null {
  if (!isPlainObject(value)) return noMatch(validator, value);
  for (const key of sortedFields(value)) {
    const inKey = check(validator.keys, key, tables);
    if (inKey !== null) return at(".keys()", inKey);
    const inValue = check(validator.values.fieldType, value[key]!, tables);
    if (inValue !== null) return at(".values()", inValue);
  }
  return null;
}

function checkObject(
  validator: Extract<ValidatorJSON, { type: "object" }>,
  value: JSONValue,
  tables: TableResolver,
): Mismatch | null {
  if (!isPlainObject(value)) return noMatch(validator, value);
  const fields = validator.value;
  for (const [field, { fieldType, optional }] of inOrder(fields)) {
    const content = Object.hasOwn(value, field) ? value[field] : undefined;
    if (content !== undefined) {
      const found = check(fieldType, content, tables);
      if (found !== null) return at(`.${field}`, found);
    } else if (!optional) {
      return mismatch(
        (path) =>
          `Object is missing the required field \`${field}\`. Consider wrapping the field validator in \`v.optional(...)\` if this is expected.\n${path}\nObject: ${displayValue(value)}\nValidator: ${displayValidator(validator)}`,
      );
    }
  }
  const extra = Object.keys(value).filter(
    (field) => !Object.hasOwn(fields, field) && value[field] !== undefined,
  );
  if (extra.length === 0) return null;
  const [first] = extra.sort();
  return mismatch(
    (path) =>
      `Object contains extra field \`${first}\` that is not in the validator.\n${path}\nObject: ${displayValue(value)}\nValidator: ${displayValidator(validator)}`,
  );
}

/** Validators are deployed once and asked for ever: their fields are sorted once. */
const ordered = new WeakMap<ObjectFields, [string, ObjectFields[string]][]>();

function inOrder(fields: ObjectFields): [string, ObjectFields[string]][] {
  let entries = ordered.get(fields);
  if (entries === undefined) {
    entries = sortedFields(fields).map((field) => [field, fields[field]!]);
    ordered.set(fields, entries);
  }
  return entries;
}

function noMatch(validator: ValidatorJSON, value: JSONValue): Mismatch {
  return mismatch(
    (path) =>
      `Value does not match validator.\n${path}\nValue: ${displayValue(value)}\nValidator: ${displayValidator(validator)}`,
  );
}

function mismatch(text: (path: string) => string): Mismatch {
  return { text, path: [] };
}

function at(step: string, found: Mismatch): Mismatch {
  found.path.push(step);
  return found;
}

function kindOf(value: JSONValue): string | null {
  return isObject(value) ? (specialOf(value)?.kind ?? null) : null;
}

function isPlainObject(
  value: JSONValue,
): value is { [key: string]: JSONValue } {
  return isObject(value) && specialOf(value) === null;
}

export function displayValidator(validator: ValidatorJSON): string {
  switch (validator.type) {
    case "number":
      return "v.float64()";
    case "bigint":
      return "v.int64()";
    case "literal":
      return `v.literal(${displayLiteral(validator.value)})`;
    case "id":
      return `v.id("${validator.tableName}")`;
    case "array":
      return `v.array(${displayValidator(validator.value)})`;
    case "record":
      return `v.record(${displayValidator(validator.keys)}, ${displayValidator(validator.values.fieldType)})`;
    case "union":
      return `v.union(${validator.value.map(displayValidator).join(", ")})`;
    case "object": {
      const fields = Object.keys(validator.value)
        .sort()
        .map((field) => {
          const { fieldType, optional } = validator.value[field]!;
          const type = displayValidator(fieldType);
          return `${field}: ${optional ? `v.optional(${type})` : type}`;
        });
      return `v.object({${fields.join(", ")}})`;
    }
    default:
      return `v.${validator.type}()`;
  }
}

function displayLiteral(value: JSONValue): string {
  if (!isObject(value)) return displayValue(value);
  return specialOf(value)?.kind === "integer" ? "<bigint>" : "<number>";
}
