/**
 * Turns a pushed ES module into something that can be instantiated many times:
 * esbuild rewrites it to CommonJS once, V8 compiles it once, and every call of a
 * function instantiates it anew, because Convex keeps no module state between
 * calls. Instantiating costs microseconds; V8 keeps the compiled code.
 *
 * What the code may see of the outside are the parameters of its own function and,
 * by its free names, an object that each call hands over (`freeNames.ts`).
 */
import vm from "node:vm";
import { SourceMap } from "node:module";
import { transform, transformSync, type TransformOptions } from "esbuild";
import {
  originalColumn,
  rewriteFreeNames,
  type Insertion,
} from "./freeNames.js";
import type { ModuleSource } from "./types.js";

export type ModuleBody = (
  exports: Record<string, unknown>,
  require: (specifier: string) => unknown,
  module: { exports: Record<string, unknown> },
) => void;

/** Gives the module's code the scope that its free names are looked up in. */
export type ModuleFactory = (scope: object) => {
  body: ModuleBody;
  /** From now on it is another one. */
  use(scope: object): void;
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

const BOUND = ["exports", "require", "module"] as const;

/** What is pushed are ES modules, which are strict. */
const HEAD = `return { body: (function (${BOUND.join(", ")}) { "use strict"; `;
const tail = (scope: string): string =>
  `\n}), use: (function (scope) { ${scope} = scope; }) };`;

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
  const rewritten = rewriteFreeNames(code, BOUND);
  const factory = vm.compileFunction(
    HEAD + rewritten.code + tail(rewritten.objectName),
    [rewritten.objectName],
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
  let places: Places | null | undefined;
  return (line, column) => {
    places ??= composePlaces(source);
    return places === null ? null : places.original(line, column);
  };
}

function composePlaces(source: ModuleSource): Places | null {
  const stripped = {
    ...source,
    source: stripSourceMapComment(source.source),
  };
  try {
    const { code, map } = transformSync(
      withInlineMap(stripped),
      transformOptions(source, true),
    );
    return new Places(
      new SourceMap(JSON.parse(map)),
      code,
      rewriteFreeNames(code, BOUND).insertions,
    );
  } catch {
    // A map that cannot be read only makes stack traces less precise.
    return null;
  }
}

/** Leads from places in the compiled code back to the user's files. */
class Places {
  private readonly insertions = new Map<number, Insertion[]>();

  constructor(
    private readonly map: SourceMap,
    code: string,
    insertions: readonly Insertion[],
  ) {
    let line = 0;
    let start = 0;
    let end = code.indexOf("\n");
    for (const { at, text } of insertions) {
      while (end !== -1 && end < at) {
        line++;
        start = end + 1;
        end = code.indexOf("\n", start);
      }
      const ofLine = this.insertions.get(line);
      const insertion = { at: at - start, text };
      if (ofLine === undefined) this.insertions.set(line, [insertion]);
      else ofLine.push(insertion);
    }
  }

  original(line: number, column: number): SourcePosition | null {
    const inCode = column - 1 - (line === 1 ? HEAD.length : 0);
    const entry = this.map.findEntry(
      line - 1,
      originalColumn(inCode, this.insertions.get(line - 1) ?? []),
    );
    if (!("originalSource" in entry)) return null;
    return {
      file: entry.originalSource,
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
    };
  }
}
