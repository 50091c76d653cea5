/** How pushed code is run while it is being deployed. */
import { badRequest } from "../http/errors.js";
import { evaluateModule, FunctionError } from "../runtime/index.js";
import type { ModuleLoader } from "../runtime/moduleLoader.js";
import type { ModuleSource } from "../runtime/types.js";
import type { Clock, Randomness } from "../seams.js";

export interface ModuleEvaluator {
  /** Evaluates the module `entry` of `modules` with fresh globals and returns its exports. */
  evaluate(
    modules: ModuleSource[],
    entry: string,
    env: Record<string, string>,
  ): Promise<Record<string, unknown>>;
}

export function createEvaluator(seams: {
  modules: ModuleLoader;
  clock: Clock;
  randomness: Randomness;
}): ModuleEvaluator {
  return {
    evaluate: (modules, entry, env) =>
      evaluateModule(seams, modules, entry, env),
  };
}

/** The message of something thrown by pushed code, as Convex shows it. */
export function describeThrown(error: unknown): string {
  if (error instanceof FunctionError) return error.display.trimEnd();
  if (isErrorLike(error)) {
    const text = `${error.name || "Error"}: ${error.message}`;
    return text.startsWith("Uncaught ") ? text : `Uncaught ${text}`;
  }
  return `Uncaught ${String(error)}`;
}

/** Errors of another realm are no instances of this realm's Error. */
function isErrorLike(
  error: unknown,
): error is { name: string; message: string } {
  return (
    typeof error === "object" &&
    error !== null &&
    typeof (error as { message?: unknown }).message === "string"
  );
}

/** Calls a method of an exported object; what it throws becomes `code` with Convex's words. */
export function callExport(
  target: object,
  method: string,
  code: string,
): unknown {
  const fn: unknown = Reflect.get(target, method);
  if (typeof fn !== "function") return undefined;
  try {
    return Reflect.apply(fn, target, []) as unknown;
  } catch (error) {
    throw badRequest(code, describeThrown(error));
  }
}
