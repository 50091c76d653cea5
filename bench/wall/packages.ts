/** What an app's copy imports: one pool or the other under a name, beside packages of this repository. */
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Pool } from "../pools.js";

export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

export type Component = Exclude<Pool, "scheduler">;

/** Makes a package of this repository's `node_modules` one of `modules`, under its own name if no other is given. */
export async function linkPackage(
  modules: string,
  name: string,
  as = name,
): Promise<void> {
  const to = path.join(modules, as);
  await mkdir(path.dirname(to), { recursive: true });
  await symlink(path.join(REPOSITORY, "node_modules", name), to);
}

/** What imports `name` gets that pool. */
export async function installPool(
  modules: string,
  component: Component,
  name: string,
): Promise<void> {
  if (component !== "workpool") {
    return await linkPackage(modules, component, name);
  }
  const ours = path.join(modules, name);
  await mkdir(ours, { recursive: true });
  await build();
  const text = await readFile(path.join(REPOSITORY, "package.json"), "utf8");
  const { type, exports } = JSON.parse(text) as Record<string, unknown>;
  const manifest = { name, type, exports };
  await writeFile(path.join(ours, "package.json"), JSON.stringify(manifest));
  const dist = path.join(ours, "dist");
  await cp(path.join(REPOSITORY, "dist"), dist, { recursive: true });
}

let built: Promise<unknown> | undefined;

/** Ours is measured as users get it, and built once in each run: an older build says nothing. */
async function build(): Promise<void> {
  const npm = promisify(execFile);
  await (built ??= npm("npm", ["run", "build"], { cwd: REPOSITORY }));
}
