/**
 * The code that is deployed in a history: a copy of the component and of the
 * app, with textual patches, pushed by the official CLI.
 */
import {
  cp,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { App } from "../embedded/src/runtime/types.js";
import { pushedApp } from "./push.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

export interface Patch {
  /** Relative to the repository. */
  file: string;
  /** Occurs in it exactly once. */
  text: string;
  replacement: string;
}

/** The second version has two functions and a callback less, and one function by another name. */
const SECOND_VERSION: readonly Patch[] = [
  {
    file: "sim/app/convex/jobs.ts",
    text: "export const vanishing =",
    replacement: "const _vanishing =",
  },
  {
    file: "sim/app/convex/jobs.ts",
    text: "export const renamed =",
    replacement: "export const byAnotherName =",
  },
  {
    file: "sim/app/convex/callbacks.ts",
    text: "export const recordAndVanish =",
    replacement: "const _recordAndVanish =",
  },
];

/** The app in its two versions, on a component with these patches. */
export async function pushedVersions(
  patches: readonly Patch[] = [],
): Promise<[App, App]> {
  return await Promise.all([
    pushedWith(patches),
    pushedWith([...patches, ...SECOND_VERSION]),
  ]);
}

async function pushedWith(patches: readonly Patch[]): Promise<App> {
  const copy = await mkdtemp(path.join(tmpdir(), "workpool-sim-"));
  try {
    for (const name of ["package.json", "src", "sim/app"]) {
      await cp(path.join(ROOT, name), path.join(copy, name), {
        recursive: true,
      });
    }
    await symlink(
      path.join(ROOT, "node_modules"),
      path.join(copy, "node_modules"),
    );
    for (const patch of patches) await apply(patch, copy);
    return await pushedApp(path.join(copy, "sim/app"));
  } finally {
    await rm(copy, { recursive: true });
  }
}

async function apply(
  { file, text, replacement }: Patch,
  root: string,
): Promise<void> {
  const target = path.join(root, file);
  const parts = (await readFile(target, "utf8")).split(text);
  if (parts.length !== 2) {
    throw new Error(
      `${file} should contain this text exactly once, but does ${parts.length - 1} times:\n${text}`,
    );
  }
  await writeFile(target, parts.join(replacement));
}
