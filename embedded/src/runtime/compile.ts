/**
 * Turns a pushed ES module into something that can be instantiated many times:
 * esbuild rewrites it to CommonJS once, V8 compiles it once, and every call of a
 * function instantiates it anew, because Convex keeps no module state between
 * calls. Instantiating costs microseconds; V8 keeps the compiled code.
 *
 * What the code may see of the outside are the parameters of the outer function
 * (see `environment.ts`), so nothing has to be found through globals at run
 * time. The inner function exists so that a module may declare names of its own
 * that shadow those parameters, as it may shadow globals.
 */
import vm from "node:vm";
import { SourceMap } from "node:module";
import { transform, transformSync, type TransformOptions } from "esbuild";
import type { Assign } from "./globals.js";
import type { ModuleSource } from "./types.js";

export type ModuleBody = (
  exports: Record<string, unknown>,
  require: (specifier: string) => unknown,
  module: { exports: Record<string, unknown> },
) => void;

/** Binds the environment's values, in the order of its names, to the module's code. */
export type ModuleFactory = (...environment: unknown[]) => {
  body: ModuleBody;
  /** For when the code changes its globals. */
  assign: Assign;
};

export interface CompiledModule {
  path: string;
  environment: "isolate" | "node";
  factory: ModuleFactory;
  /** Where a position in the compiled code comes from, or null when unknown. Lines and columns from 1. */
  originalPosition(line: number, column: number): SourcePosition | null;
}

export interface SourcePosition {
  file: string;
  line: number;
  column: number;
}

/** Compiled code is called this in stack traces, so that frames can be recognised. */
export const MODULE_URL_PREFIX = "convex-module:";

const WRAPPER_HEAD = "return { body: (function (exports, require, module) {";
const WRAPPER_TAIL = "\n}), ";

/** The code of a function that assigns to the parameters. */
function assignment(parameterNames: readonly string[]): string {
  const cases = parameterNames.map(
    (name) => `case "${name}": ${name} = value; break;`,
  );
  return `assign: (function (name, value) { switch (name) { ${cases.join(" ")} } }) };`;
}

function transformOptions(
  source: ModuleSource,
  sourcemap: boolean,
): TransformOptions {
  return {
    format: "cjs",
    target: "es2022",
    platform: "neutral",
    loader: "js",
    // With `require` in reach, a dynamic import is an asynchronous require.
    supported: { "dynamic-import": false },
    sourcefile: source.path,
    sourcemap: sourcemap ? "external" : false,
    legalComments: "none",
    logLevel: "silent",
  };
}

/** The module with its own map attached, so that esbuild composes the two. */
function withInlineMap(source: ModuleSource): string {
  if (source.sourceMap === null) return source.source;
  const encoded = Buffer.from(source.sourceMap).toString("base64");
  return `${source.source}\n//# sourceMappingURL=data:application/json;base64,${encoded}`;
}

function describeTransformError(path: string, error: unknown): Error {
  const errors = (error as { errors?: { text: string }[] }).errors ?? [];
  const text = errors[0]?.text ?? String(error);
  return new Error(
    text.startsWith("Top-level await")
      ? `Top-level await in ${path}: it is not supported in functions' modules.`
      : `Could not load ${path}: ${text}`,
  );
}

export async function compileModule(
  source: ModuleSource,
  parameterNames: string[],
): Promise<CompiledModule> {
  let code: string;
  try {
    const result = await transform(
      stripSourceMapComment(source.source),
      transformOptions(source, false),
    );
    code = result.code;
  } catch (error) {
    throw describeTransformError(source.path, error);
  }
  const factory = vm.compileFunction(
    WRAPPER_HEAD + code + WRAPPER_TAIL + assignment(parameterNames),
    parameterNames,
    { filename: MODULE_URL_PREFIX + source.path },
  ) as ModuleFactory;
  return {
    path: source.path,
    environment: source.environment,
    factory,
    originalPosition: lazyPositions(source),
  };
}

/** Bundles name their map in a last comment; a path there would only mislead debuggers. */
function stripSourceMapComment(code: string): string {
  return code.replace(/\n\/\/# sourceMappingURL=\S*\s*$/, "\n");
}

/** Maps are composed when the first error asks for them: most modules never throw. */
function lazyPositions(
  source: ModuleSource,
): CompiledModule["originalPosition"] {
  let map: SourceMap | null | undefined;
  return (line, column) => {
    map ??= composeMap(source);
    if (map === null) return null;
    const onFirstLine = line === 1 ? WRAPPER_HEAD.length : 0;
    const entry = map.findEntry(line - 1, column - 1 - onFirstLine);
    if (!("originalSource" in entry)) return null;
    return {
      file: entry.originalSource,
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
    };
  };
}

function composeMap(source: ModuleSource): SourceMap | null {
  const stripped = {
    ...source,
    source: stripSourceMapComment(source.source),
  };
  try {
    const { map } = transformSync(
      withInlineMap(stripped),
      transformOptions(source, true),
    );
    return new SourceMap(JSON.parse(map));
  } catch {
    // A map that cannot be read only makes stack traces less precise.
    return null;
  }
}
