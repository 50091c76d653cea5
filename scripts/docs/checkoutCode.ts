/**
 * Code that only a checkout can run, since it imports what is not in the package (the
 * embedded deployment): its types are checked beside a link to the checkout's sources.
 */
import fs from "node:fs";
import path from "node:path";
import type { CodeFile } from "./blocks.js";
import { run } from "./command.js";

export function isOfTheCheckout({ code }: CodeFile): boolean {
  return /from "(\.\.\/)+embedded\//.test(code);
}

export async function checkInCheckout(
  root: string,
  page: string,
  files: CodeFile[],
): Promise<void> {
  const directory = path.join(root, "node_modules/.cache/docs-check", page);
  fs.rmSync(directory, { recursive: true, force: true });
  fs.mkdirSync(directory, { recursive: true });
  fs.symlinkSync(path.join(root, "embedded"), path.join(directory, "embedded"));
  for (const { path: file, code } of files) {
    fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    fs.writeFileSync(path.join(directory, file), code);
  }
  fs.writeFileSync(
    path.join(directory, "tsconfig.json"),
    JSON.stringify({
      extends: path.join(root, "tsconfig.base.json"),
      compilerOptions: {
        types: ["node"],
        typeRoots: [path.join(root, "node_modules", "@types")],
      },
      files: files.map(({ path: file }) => file),
    }),
  );
  await run(root, ["npx", "tsc", "-p", directory]);
}
