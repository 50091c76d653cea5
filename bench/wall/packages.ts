/** What an app's copy imports: one pool or the other under a name, beside packages of this repository. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Pool } from "../pools.js";

export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

export type Component = Exclude<Pool, "scheduler">;

/** Ours as it is in the source, never an older build. */
const OUR_EXPORTS = {
  ".": "./src/client/index.ts",
  "./convex.config": "./src/component/convex.config.ts",
  "./convex.config.js": "./src/component/convex.config.ts",
};

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
  const manifest = { name, type: "module", exports: OUR_EXPORTS };
  await writeFile(path.join(ours, "package.json"), JSON.stringify(manifest));
  await symlink(path.join(REPOSITORY, "src"), path.join(ours, "src"));
}
