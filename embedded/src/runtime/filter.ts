/** Evaluates the expressions of `.filter(...)`, as convex's filter builder serializes them. */
import type { JSONValue } from "../storage/types.js";
import {
  decodeFloat,
  decodeInt64,
  displayValue,
  encodeInt64,
  isObject,
  orderKey,
  specialOf,
  valueAt,
} from "../values/index.js";
import { SyscallError } from "./errors.js";

/** A value in Convex JSON, or undefined for a missing field. */
type Maybe = JSONValue | undefined;
type Operand = { [operator: string]: JSONValue };

export function matchesFilter(
  expression: JSONValue,
  document: JSONValue,
): boolean {
  return asBoolean(evaluate(expression, document));
}

function evaluate(expression: JSONValue, document: JSONValue): Maybe {
  const [operator, operand] = Object.entries(expression as Operand)[0] ?? [];
  if (operator === undefined || operand === undefined) {
    throw new SyscallError("Invalid filter: an expression has no operator");
  }
  const both = () => {
    const [left, right] = operand as [JSONValue, JSONValue];
    return [evaluate(left, document), evaluate(right, document)] as const;
  };
  const compare = () => {
    const [left, right] = both();
    const [a, b] = [orderKey(left), orderKey(right)];
    return a < b ? -1 : a > b ? 1 : 0;
  };
  switch (operator) {
    case "$field":
      return valueAt(document, (operand as string).split("."));
    case "$literal":
      return isObject(operand) && "$undefined" in operand ? undefined : operand;
    case "$eq":
      return compare() === 0;
    case "$neq":
      return compare() !== 0;
    case "$lt":
      return compare() < 0;
    case "$lte":
      return compare() <= 0;
    case "$gt":
      return compare() > 0;
    case "$gte":
      return compare() >= 0;
    case "$and":
      return (operand as JSONValue[]).every((e) =>
        asBoolean(evaluate(e, document)),
      );
    case "$or":
      return (operand as JSONValue[]).some((e) =>
        asBoolean(evaluate(e, document)),
      );
    case "$not":
      return !asBoolean(evaluate(operand, document));
    case "$neg":
      return negate(evaluate(operand, document));
    default: {
      const arithmetic = ARITHMETIC[operator];
      if (arithmetic === undefined) {
        throw new SyscallError(`Invalid filter: unknown operator ${operator}`);
      }
      return calculate(arithmetic, ...both());
    }
  }
}

interface Arithmetic {
  verb: string;
  float(left: number, right: number): number;
  int(left: bigint, right: bigint): bigint;
}

const ARITHMETIC: Record<string, Arithmetic> = {
  $add: { verb: "add", float: (l, r) => l + r, int: (l, r) => l + r },
  $sub: { verb: "subtract", float: (l, r) => l - r, int: (l, r) => l - r },
  $mul: { verb: "multiply", float: (l, r) => l * r, int: (l, r) => l * r },
  $div: { verb: "divide", float: (l, r) => l / r, int: (l, r) => l / r },
  $mod: { verb: "mod", float: (l, r) => l % r, int: (l, r) => l % r },
};

type Numeric =
  { kind: "int"; value: bigint } | { kind: "float"; value: number };

function numeric(value: Maybe): Numeric | null {
  if (typeof value === "number") return { kind: "float", value };
  if (!isObject(value)) return null;
  const special = specialOf(value);
  if (special?.kind === "integer") {
    return { kind: "int", value: decodeInt64(special.base64) };
  }
  if (special?.kind === "float") {
    return { kind: "float", value: decodeFloat(special.base64) };
  }
  return null;
}

function calculate(op: Arithmetic, left: Maybe, right: Maybe): JSONValue {
  const l = numeric(left);
  const r = numeric(right);
  if (l?.kind === "float" && r?.kind === "float") {
    return floatJson(op.float(l.value, r.value));
  }
  if (l?.kind === "int" && r?.kind === "int") {
    if (r.value === 0n && (op.verb === "divide" || op.verb === "mod")) {
      throw new SyscallError(`Cannot ${op.verb} ${l.value} by zero`);
    }
    const result = op.int(l.value, r.value);
    if (BigInt.asIntN(64, result) !== result) {
      throw new SyscallError(
        `Cannot ${op.verb} ${l.value} and ${r.value}: the result is out of range for Int64`,
      );
    }
    return { $integer: encodeInt64(result) };
  }
  throw new SyscallError(
    `Cannot ${op.verb} ${displayValue(left)} (type ${typeName(left)}) and ${displayValue(right)} (type ${typeName(right)})`,
  );
}

function negate(value: Maybe): JSONValue {
  const number = numeric(value);
  if (number === null) {
    throw new SyscallError(
      `Cannot negate ${displayValue(value)} (type ${typeName(value)})`,
    );
  }
  if (number.kind === "float") return floatJson(-number.value);
  const result = -number.value;
  if (BigInt.asIntN(64, result) !== result) {
    throw new SyscallError(
      `Cannot negate ${number.value}: the result is out of range for Int64`,
    );
  }
  return { $integer: encodeInt64(result) };
}

/** JSON has no NaN, no infinities and no negative zero. */
function floatJson(value: number): JSONValue {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return { $float: bytes.toString("base64") };
}

function asBoolean(value: Maybe): boolean {
  if (typeof value === "boolean") return value;
  throw new SyscallError(
    `Cannot use value ${displayValue(value)} (type ${typeName(value)}) as a Boolean`,
  );
}

function typeName(value: Maybe): string {
  if (value === undefined) return "undefined";
  if (value === null) return "Null";
  if (typeof value === "boolean") return "Boolean";
  if (typeof value === "string") return "String";
  if (Array.isArray(value)) return "Array";
  const number = numeric(value);
  if (number !== null) return number.kind === "int" ? "Int64" : "Float64";
  return specialOf(value as { [key: string]: JSONValue })?.kind === "bytes"
    ? "Bytes"
    : "Object";
}
