/** Checks calls against validators and sizes, in Convex's words. */
import type { Database, JSONObject, JSONValue } from "../storage/types.js";
import {
  argumentValidationError,
  displayBytes,
  measureValue,
  normalizeValue,
  returnsValidationError,
  type TableResolver,
} from "../values/index.js";
import { displayPath } from "./app.js";
import { FunctionError } from "./errors.js";
import type { FunctionAddress, FunctionInfo } from "./types.js";

/** Table names by number, as they are in a component's namespace when first asked for. */
export function tableResolver(
  database: Database,
  namespace: string,
): TableResolver {
  let names: Map<number, string> | null = null;
  return (number) => {
    names ??= new Map(
      database.tables(namespace).map((table) => [table.number, table.name]),
    );
    return names.get(number) ?? null;
  };
}

/** Throws a FunctionError unless `args` may be passed to the function. */
export function checkArguments(
  address: FunctionAddress,
  info: FunctionInfo,
  args: JSONObject,
  tables: TableResolver,
  options: { allowPending: boolean; maxBytes: number },
): void {
  const path = displayPath(address.name);
  const invalid = (reason: string) =>
    new FunctionError(`Invalid arguments for ${path}: ${reason}`);
  if (typeof args !== "object" || args === null || Array.isArray(args)) {
    throw invalid("the arguments must be one object");
  }
  let size: number;
  let pending: boolean;
  try {
    ({ size, pending } = measureValue([args]));
  } catch (error) {
    throw invalid((error as Error).message);
  }
  if (pending && !options.allowPending) {
    throw invalid(
      "a commit timestamp has no value before its transaction commits",
    );
  }
  if (size > options.maxBytes) {
    throw new FunctionError(
      `Arguments for ${path} are too large (actual: ${displayBytes(size)}, limit: ${displayBytes(options.maxBytes)})`,
    );
  }
  const error = argumentValidationError(info.args, args, tables);
  if (error !== null) throw new FunctionError(error);
}

/** Parses what a function returned. Its own validator is checked by {@link returnsError}. */
export function parseResult(
  address: FunctionAddress,
  result: unknown,
  options: { allowPending: boolean; maxBytes: number },
): JSONValue {
  const name = displayPath(address.name);
  let parsed: JSONValue;
  try {
    parsed = JSON.parse(String(result)) as JSONValue;
  } catch (error) {
    throw new FunctionError(
      `Function ${name} failed. Could not parse return value as json: ${(error as Error).message}`,
    );
  }
  let checked;
  try {
    checked = normalizeValue(parsed);
  } catch (error) {
    throw new FunctionError(
      `Function ${name} return value invalid: ${(error as Error).message}`,
    );
  }
  if (checked.pending && !options.allowPending) {
    throw new FunctionError(
      `Function ${name} return value invalid: queries cannot return an unresolved commit timestamp`,
    );
  }
  if (checked.size > options.maxBytes) {
    throw new FunctionError(
      `Function ${name} return value is too large (actual: ${displayBytes(checked.size)}, limit: ${displayBytes(options.maxBytes)})`,
    );
  }
  return checked.value;
}

/** Why the returned value does not match the function's validator, or null. */
export function returnsError(
  info: FunctionInfo,
  value: JSONValue,
  tables: TableResolver,
): string | null {
  return returnsValidationError(info.returns, value, tables);
}
