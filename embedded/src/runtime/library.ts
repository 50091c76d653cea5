/**
 * Which of the pushed modules are the `convex` package and nothing else. Most of
 * the code that a small function evaluates is that package; it keeps nothing in
 * module-level variables, so one call may have its modules after another.
 *
 * The CLI bundles modules into chunks, and esbuild names the files in each.
 */
import { posix } from "node:path";
import type { ModuleSource } from "./types.js";

/** `// ../node_modules/convex/dist/esm/values/base64.js` */
const FILE = /^\/\/ (\S+\.[cm]?[jt]sx?)$/gm;
/** What `convex codegen` writes beside the functions only renames what the package has. */
const OF_PACKAGE =
  /(^|\/)node_modules\/convex\/(dist|src)\/|(^|[/:])_generated\/(api|server)\.[jt]s$/;
const IMPORT = /\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g;

interface Chunk {
  files: string[];
  imports: string[];
}

/** The paths of these modules. */
export function libraryModules(sources: readonly ModuleSource[]): Set<string> {
  const chunks = new Map(
    sources
      .filter(({ environment }) => environment === "isolate")
      .map((module) => [module.path, chunkOf(module)]),
  );
  const library = new Set(
    [...chunks]
      .filter(
        ([, { files }]) =>
          files.length > 0 && files.every((file) => OF_PACKAGE.test(file)),
      )
      .map(([path]) => path),
  );
  // One that needs anything else would have it twice: once shared, once the call's own.
  const fits = (path: string): boolean =>
    library.has(path) || isHelper(chunks.get(path));
  for (let before = Infinity; library.size < before;) {
    before = library.size;
    for (const path of library) {
      if (!chunks.get(path)!.imports.every(fits)) library.delete(path);
    }
  }
  return library;
}

/** What esbuild itself adds. */
function isHelper(chunk: Chunk | undefined): boolean {
  return chunk?.files.length === 0 && chunk.imports.length === 0;
}

function chunkOf({ path, source }: ModuleSource): Chunk {
  return {
    files: [...source.matchAll(FILE)].map(([, file]) => file!),
    imports: [...source.matchAll(IMPORT)].map(([, specifier]) =>
      posix.join(posix.dirname(path), specifier!),
    ),
  };
}
