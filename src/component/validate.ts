/**
 * What is refused, and with which words. The client checks so that the error
 * has the caller's stack; the component checks again, before it writes
 * anything, because its functions can be called directly.
 */
import { LOG_LEVELS, isLogLevel } from "./logging.js";
import { checkNames, namesIn } from "./names.js";
import { isDeeperThan, MAX_NESTING, storedSize } from "./nesting.js";
import { refuse, show } from "./refusal.js";
import {
  DEFAULT_STATUS_TTL,
  MAX_PARALLELISM,
  MAX_VALUE_BYTES,
  type ResultKind,
  type StatusTtlByKind,
  vResultKind,
} from "./shared.js";
import { checkText } from "./text.js";

/** Works of one page of `cancelAll`: their outcomes are written in one transaction. */
export const MAX_CANCEL_LIMIT = 1000;

/** `statusBatch` makes up to two reads per id, of the 4,096 that a transaction may make. */
export const MAX_STATUS_BATCH = 2000;

/** Of function names and handles. */
export const MAX_NAME_LENGTH = 1000;

/** The outcomes a work can have, which are the fields of a `statusTtl` by kind. */
export const RESULT_KINDS: readonly ResultKind[] = vResultKind.members.map(
  (member) => member.value,
);

/** What users write for `statusTtl`: one time for all outcomes, or some by kind. */
export type StatusTtl = number | Partial<StatusTtlByKind>;

export function checkMaxParallelism(value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > MAX_PARALLELISM) {
    refuse(
      "maxParallelism",
      `an integer from 0 (which pauses the pool) to ${MAX_PARALLELISM}`,
      value,
    );
  }
}

export function checkLogLevel(value: unknown): void {
  if (!isLogLevel(value)) {
    refuse("logLevel", `one of ${LOG_LEVELS.join(", ")}`, value);
  }
}

export function checkExcludeKinds(kinds: unknown): void {
  const isListOfKinds =
    Array.isArray(kinds) &&
    // A copy has no holes, which every() would pass.
    [...kinds].every((kind) => RESULT_KINDS.includes(kind));
  if (!isListOfKinds) {
    refuse(
      "onCompleteExcludeKinds",
      `a list of ${RESULT_KINDS.map(show).join(", ")}`,
      kinds,
    );
  }
}

/**
 * One time per kind of outcome. What `ttl` does not mention is as `fallback`
 * has it.
 */
export function resolveStatusTtl(
  ttl: StatusTtl,
  fallback: StatusTtlByKind = DEFAULT_STATUS_TTL,
): StatusTtlByKind {
  if (typeof ttl === "number") {
    checkMs("statusTtl", ttl);
    return { success: ttl, failed: ttl, canceled: ttl };
  }
  checkFields("statusTtl", ttl, RESULT_KINDS);
  const resolved = { ...fallback };
  for (const kind of RESULT_KINDS) {
    const value = ttl[kind];
    if (value !== undefined) {
      checkMs(`statusTtl.${kind}`, value);
      resolved[kind] = value;
    }
  }
  return resolved;
}

export function checkMs(option: string, value: number): void {
  if (!Number.isFinite(value) || value < 0) {
    refuse(option, "a finite number of milliseconds of at least 0", value);
  }
}

export function checkCancelLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_CANCEL_LIMIT) {
    refuse("limit", `an integer from 1 to ${MAX_CANCEL_LIMIT}`, limit);
  }
}

export function checkCancelBefore(before: number): void {
  if (!Number.isFinite(before)) {
    refuse("before", "a finite number of milliseconds since 1970", before);
  }
}

export function checkStatusBatch(ids: readonly string[]): void {
  checkList("ids", ids);
  if (ids.length > MAX_STATUS_BATCH) {
    throw new Error(
      `statusBatch takes at most ${MAX_STATUS_BATCH} ids at once, not ${ids.length}.`,
    );
  }
}

/** It is part of every row about the work, and of every line that is logged. */
export function checkName(name: unknown): void {
  checkText("name", name, MAX_NAME_LENGTH);
}

export function checkHandle(option: string, handle: unknown): void {
  if (
    typeof handle !== "string" ||
    !handle.startsWith("function://") ||
    handle.length > MAX_NAME_LENGTH
  ) {
    refuse(
      option,
      "a function handle as createFunctionHandle() returns it",
      handle,
    );
  }
}

export function checkList(option: string, value: unknown): void {
  if (!Array.isArray(value)) {
    refuse(option, "a list", value);
  }
}

/** How many bytes the arguments have. */
export function checkArgs(fnName: string, fnArgs: unknown): number {
  if (
    typeof fnArgs !== "object" ||
    fnArgs === null ||
    Array.isArray(fnArgs) ||
    fnArgs instanceof ArrayBuffer
  ) {
    throw new Error(
      `The arguments of ${fnName} must be an object, not ${show(fnArgs)}.`,
    );
  }
  return checkSize("arguments", fnName, fnArgs);
}

/** How many bytes the context has. */
export function checkContext(fnName: string, context: unknown): number {
  return checkSize("onComplete context", fnName, context);
}

/** Of a work that is ended from outside. */
export function checkResult(result: unknown): void {
  checkSize("result", "complete", result);
}

const MAX_FAIL_LENGTH = 10_000;

export function checkFailError(error: unknown): void {
  checkText("error", error, MAX_FAIL_LENGTH);
}

function checkSize(what: string, fnName: string, value: unknown): number {
  if (isDeeperThan(value, MAX_NESTING)) {
    throw new Error(
      `The ${what} of ${fnName} may be nested at most ${MAX_NESTING} levels deep.`,
    );
  }
  const size = storedSize(value);
  if (size > MAX_VALUE_BYTES) {
    throw new Error(
      `The ${what} of ${fnName} may have at most ${MAX_VALUE_BYTES} bytes, not ${size}.`,
    );
  }
  return size;
}

/** That `value` is an object with no other fields than these. */
export function checkFields(
  option: string,
  value: unknown,
  known: readonly string[],
): void {
  const names = namesIn(option, value, `an object with ${known.join(", ")}`);
  checkNames(option, names, known, "field");
}
