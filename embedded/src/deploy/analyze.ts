/** Finds the functions and HTTP routes that pushed modules export. */
import { badRequest } from "../http/errors.js";
import type { HttpRoute, ModuleSource } from "../runtime/types.js";
import { checkIdentifier } from "../values/index.js";
import type { AnalyzedFunction, AnalyzedModule } from "./evaluated.js";
import {
  callExport,
  describeThrown,
  type ModuleEvaluator,
} from "./evaluator.js";

const ROUTABLE_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

/** Code shared between modules: reachable by import only. */
export function isChunk(path: string): boolean {
  return path.startsWith("_deps/");
}

export async function analyzeModules(
  evaluator: ModuleEvaluator,
  modules: ModuleSource[],
  env: Record<string, string>,
): Promise<Record<string, AnalyzedModule>> {
  for (const { path } of modules) refuseUnsupportedModule(path);
  const analysis: Record<string, AnalyzedModule> = {};
  for (const { path } of modules) {
    if (isChunk(path)) continue;
    let exports: Record<string, unknown>;
    try {
      exports = await evaluator.evaluate(modules, path, env);
    } catch (error) {
      invalidModules(`Failed to analyze ${path}: ${describeThrown(error)}`);
    }
    analysis[path] = analyzeModule(path, exports);
  }
  return analysis;
}

function refuseUnsupportedModule(path: string): void {
  if (path === "crons.js") {
    throw badRequest(
      "CronJobsNotSupported",
      "crons.ts cannot be deployed: the embedded deployment has no cron jobs. Remove crons.ts, or schedule from a function with ctx.scheduler.",
    );
  }
  if (path === "auth.config.js") {
    throw badRequest(
      "AuthNotSupported",
      "auth.config.ts cannot be deployed: the embedded deployment has no user authentication (ctx.auth is always anonymous). Remove auth.config.ts.",
    );
  }
}

function invalidModules(message: string): never {
  throw badRequest(
    "InvalidModules",
    `Loading the pushed modules encountered the following error:\n${message}`,
  );
}

function analyzeModule(
  path: string,
  exports: Record<string, unknown>,
): AnalyzedModule {
  const functions: AnalyzedFunction[] = [];
  for (const [name, value] of Object.entries(exports)) {
    const analyzed = analyzeFunction(path, name, value);
    if (analyzed !== null) functions.push(analyzed);
  }
  return {
    functions,
    httpRoutes: path === "http.js" ? analyzeRoutes(exports.default) : null,
    cronSpecs: null,
    sourceMapped: null,
  };
}

function analyzeFunction(
  path: string,
  name: string,
  value: unknown,
): AnalyzedFunction | null {
  if (typeof value !== "function" && typeof value !== "object") return null;
  if (value === null) return null;
  const types = [
    ["isQuery", "Query"],
    ["isMutation", "Mutation"],
    ["isAction", "Action"],
  ] as const;
  const matching = types.filter(([marker]) => marker in value);
  const udfType = matching[0]?.[1];
  if (udfType === undefined || matching.length > 1) return null;
  const isPublic = "isPublic" in value;
  const isInternal = "isInternal" in value;
  if (isPublic && isInternal) return null;
  if (typeof value !== "function") {
    invalidModules(`${path}:${name} is not a function.`);
  }
  try {
    checkIdentifier(name);
  } catch (error) {
    invalidModules(
      `Invalid function name used in \`${path}\`: ${(error as Error).message}`,
    );
  }
  return {
    name,
    pos: null,
    udfType,
    visibility: isPublic
      ? { kind: "public" }
      : isInternal
        ? { kind: "internal" }
        : null,
    args: exportedValidator(value, path, name, "exportArgs"),
    returns: exportedValidator(value, path, name, "exportReturns"),
  };
}

function exportedValidator(
  fn: object,
  path: string,
  name: string,
  method: "exportArgs" | "exportReturns",
): string | null {
  const exporter: unknown = Reflect.get(fn, method);
  if (exporter === undefined) return null;
  if (typeof exporter !== "function") {
    invalidModules(
      `${path}:${name}.${method} is not a function or \`undefined\`.`,
    );
  }
  const exported = callExport(fn, method, "InvalidModules");
  if (typeof exported !== "string") {
    invalidModules(
      `Invalid ${method} return value: ${path}:${name}.${method}() didn't return a string.`,
    );
  }
  return JSON.stringify(JSON.parse(exported), inFieldOrder);
}

/** Convex keeps the fields of object validators by name, so that generated types do not depend on how they were written down. */
function inFieldOrder(_key: string, value: unknown): unknown {
  if (
    typeof value !== "object" ||
    value === null ||
    Reflect.get(value, "type") !== "object"
  ) {
    return value;
  }
  const fields = Object.entries(
    (value as { value: Record<string, unknown> }).value,
  );
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...value, value: Object.fromEntries(fields) };
}

function analyzeRoutes(router: unknown): HttpRoute[] {
  if (router === undefined) {
    invalidModules("`convex/http.js` must have a default export of a Router.");
  }
  if (
    typeof router !== "object" ||
    router === null ||
    Reflect.get(router, "isRouter") !== true
  ) {
    invalidModules("The default export of `convex/http.js` is not a Router.");
  }
  const routes = callExport(router, "getRoutes", "InvalidModules");
  if (!Array.isArray(routes)) {
    invalidModules(
      "The return value of `getRoutes()` of the Router in `convex/http.js` is not an array.",
    );
  }
  return (routes as unknown[]).map((entry) => {
    const [path, method] = entry as [unknown, unknown];
    if (typeof path !== "string" || typeof method !== "string") {
      invalidModules(
        "`getRoutes()` of the Router in `convex/http.js` must return [path, method, handler].",
      );
    }
    if (!ROUTABLE_METHODS.includes(method)) {
      invalidModules(
        `'${method}' is not a routable method (one of ${ROUTABLE_METHODS.join(", ")})`,
      );
    }
    return { path, method };
  });
}
