/**
 * The override that README prints, in an app with a published component that brings
 * `@convex-dev/workpool` along: the component must get this package, accept its types,
 * and do its job on it.
 */
import fs from "node:fs";
import path from "node:path";
import type { Block } from "./blocks.js";
import { OutsideApp } from "./outsideApp.js";

const REPLACED = "@convex-dev/workpool";

export async function checkOverride(
  root: string,
  blocks: Block[],
  registryUrl: string,
  versionOf: (name: string) => string | undefined,
): Promise<void> {
  const names = ["convex", "typescript", "@convex-dev/workflow"];
  const app = await OutsideApp.create({
    registryUrl,
    manifest: printedManifest(blocks),
    packages: names.map((name) => `${name}@${versionOf(name)}`),
  });
  try {
    const { name } = JSON.parse(
      app.read(`node_modules/${REPLACED}/package.json`),
    ) as { name: string };
    if (name !== "convex-workpool") {
      throw new Error(`With the override, ${REPLACED} is ${name}.`);
    }
    const source = path.join(root, "test/newcomer/workflow/convex");
    for (const file of fs.readdirSync(source)) {
      const text = fs.readFileSync(path.join(source, file), "utf8");
      app.write(`convex/${file}`, text);
    }
    await app.check();
    const printed = await app.convex("run", "flows:greetBoth");
    if (printed.trim() !== '"Hello, Ada, hello, Grace"') {
      throw new Error(`The workflow on this pool ended with ${printed}`);
    }
  } finally {
    await app.remove();
  }
}

function printedManifest(blocks: Block[]): object {
  for (const block of blocks) {
    if (block.kind === "json" && block.text.includes(`"overrides"`)) {
      return JSON.parse(block.text) as object;
    }
  }
  throw new Error("README.md does not print the override.");
}
