/**
 * Makes `dist`, which is what the package publishes. The Convex CLI takes every
 * module of the component's directory as an entry point of its own, and cuts what
 * they share into chunks by which entry points need it. Every call of a function
 * evaluates the chunks of its module. So only modules that define functions are left
 * there, each with a copy of all it needs: beside it, a call evaluates `convex` alone.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildOptions } from "esbuild";
import { differences, functionsBelow } from "./build/functions.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

const inSource = await functionsBelow(path.join(root, "src/component"));
const withFunctions = [...inSource]
  .filter(([, functions]) => functions.length > 0)
  .map(([module]) => module);

/** The CLI reads these two by their names. */
const NAMED = ["schema", "convex.config"];

const COMMON: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  platform: "neutral",
  external: ["convex"],
  tsconfig: "tsconfig.build.json",
  outdir: "dist",
  outbase: "src",
  sourcemap: true,
  // The package has the sources.
  sourcesContent: false,
};

fs.rmSync(path.join(root, "dist"), { recursive: true, force: true });
await build({
  ...COMMON,
  entryPoints: [...withFunctions, ...NAMED].map(
    (module) => `src/component/${module}.ts`,
  ),
});
await build({ ...COMMON, entryPoints: ["src/client/index.ts"] });
// Last: a function that was just added is in no generated type yet, and `codegen` needs the rest.
execFileSync(process.execPath, [tsc, "--project", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});

const wrong = differences(
  inSource,
  await functionsBelow(path.join(root, "dist/component")),
);
if (wrong.length > 0) throw new Error(wrong.join("\n"));
