/** Which modules of a component define functions, in the source and in what is published. */
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** The names of a module's functions, by its path in the component without the ending. */
export type Functions = ReadonlyMap<string, readonly string[]>;

/** Of all modules that the CLI would take as entry points, those without functions too. */
export async function functionsBelow(directory: string): Promise<Functions> {
  const files = fs
    .readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll(path.sep, "/"))
    .filter(isEntryPoint)
    .sort();
  const functions = new Map<string, string[]>();
  for (const file of files) {
    const { href } = pathToFileURL(path.join(directory, file));
    const exports = (await import(href)) as object;
    functions.set(file.slice(0, file.indexOf(".")), functionsOf(exports));
  }
  return functions;
}

/** As the Convex CLI decides: a second dot (`a.test.ts`, `a.d.ts`, `convex.config.ts`) keeps a file out. */
export function isEntryPoint(file: string): boolean {
  return (
    /^[^.]+\.[cm]?[jt]sx?$/.test(file) &&
    !file.startsWith("_generated/") &&
    path.posix.parse(file).name !== "schema"
  );
}

/** The names under which a module exports registered functions. */
export function functionsOf(exports: object): string[] {
  return Object.entries(exports)
    .filter(([, value]) => isRegistered(value))
    .map(([name]) => name)
    .sort();
}

/** `mutation({…})` and its like return functions that say what they are. */
function isRegistered(value: unknown): boolean {
  return (
    typeof value === "function" &&
    ["isQuery", "isMutation", "isAction"].some((mark) => mark in value)
  );
}

/** What is wrong with the published modules, each in a sentence. */
export function differences(source: Functions, published: Functions): string[] {
  const helpers = [...published]
    .filter(([, functions]) => functions.length === 0)
    .map(
      ([module]) =>
        `dist/component/${module}.js defines no function: calls would evaluate it as a module of its own.`,
    );
  const lost = [...source].flatMap(([module, functions]) =>
    functions
      .filter((name) => !published.get(module)?.includes(name))
      .map((name) => `dist/component/${module}.js lacks ${name}.`),
  );
  return [...helpers, ...lost];
}
