/**
 * Compiles the TypeScript in README.md and docs/*.md: every fenced `ts` or `tsx`
 * block, as the file its first comment names. Code that does not compile is
 * worse than none.
 *
 * Blocks of one page share a directory, like the files of one app. Functions of
 * the reader's own app are `any`: what is checked is how they use the package.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const workDir = path.join(root, "node_modules", ".cache", "docs-check");

const GENERATED: Record<string, string> = {
  "_generated/api.d.ts":
    'import type { ComponentApi } from "convex-workpool/_generated/component.js";\n' +
    "export declare const api: any;\nexport declare const internal: any;\n" +
    "export declare const components: { workpool: ComponentApi; [name: string]: any };\n",
  "_generated/server.d.ts":
    'import type { ActionBuilder, GenericDataModel, MutationBuilder, QueryBuilder } from "convex/server";\n' +
    "type Model = any & GenericDataModel;\n" +
    'export declare const query: QueryBuilder<Model, "public">;\n' +
    'export declare const internalQuery: QueryBuilder<Model, "internal">;\n' +
    'export declare const mutation: MutationBuilder<Model, "public">;\n' +
    'export declare const internalMutation: MutationBuilder<Model, "internal">;\n' +
    'export declare const action: ActionBuilder<Model, "public">;\n' +
    'export declare const internalAction: ActionBuilder<Model, "internal">;\n',
};

type Block = { file: string; code: string };

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  for (const match of markdown.matchAll(/^```(tsx?)\n([\s\S]*?)^```/gm)) {
    const [, extension, code] = match;
    const named = /^\/\/ (\S+\.tsx?)\n/.exec(code!)?.[1];
    blocks.push({
      file: named ?? `convex/block${blocks.length}.${extension}`,
      code: code!,
    });
  }
  return blocks;
}

function main(): void {
  fs.rmSync(workDir, { recursive: true, force: true });
  const pages = [
    "README.md",
    ...fs
      .readdirSync(path.join(root, "docs"))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `docs/${name}`),
  ];
  let count = 0;
  for (const page of pages) {
    const directory = path.join(workDir, page.replaceAll("/", "_"));
    const blocks = blocksOf(fs.readFileSync(path.join(root, page), "utf8"));
    for (const { file, code } of blocks) {
      const target = path.join(directory, file);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      // Several blocks may show parts of one file.
      fs.appendFileSync(target, `${code}\nexport {};\n`);
      count += 1;
    }
    if (blocks.length > 0) {
      fs.symlinkSync(
        path.join(root, "embedded"),
        path.join(directory, "embedded"),
      );
    }
    for (const [file, code] of Object.entries(GENERATED)) {
      const target = path.join(directory, "convex", file);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.writeFileSync(target, code);
    }
  }
  fs.writeFileSync(
    path.join(workDir, "tsconfig.json"),
    JSON.stringify({
      extends: path.join(root, "tsconfig.base.json"),
      compilerOptions: {
        jsx: "react-jsx",
        types: ["node"],
        typeRoots: [path.join(root, "node_modules", "@types")],
        noUnusedLocals: false,
        paths: {
          "convex-workpool": [path.join(root, "src/client/index.ts")],
          "convex-workpool/test": [path.join(root, "src/test.ts")],
          "convex-workpool/convex.config": [
            path.join(root, "src/component/convex.config.ts"),
          ],
          "convex-workpool/_generated/component.js": [
            path.join(root, "src/component/_generated/component.ts"),
          ],
        },
      },
      include: ["**/*.ts", "**/*.tsx"],
    }),
  );
  const tsc = spawnSync("npx", ["tsc", "--noEmit", "-p", workDir], {
    cwd: root,
    encoding: "utf8",
  });
  if (tsc.status !== 0) {
    process.stderr.write(tsc.stdout + tsc.stderr);
    process.stderr.write(`Code in the documentation does not compile.\n`);
    process.exit(1);
  }
  console.log(`${count} blocks of code in ${pages.length} pages compile.`);
}

main();
