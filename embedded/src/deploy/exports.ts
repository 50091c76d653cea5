/** What a component offers its parent: its public functions, as a tree by file. */
import { badRequest } from "../http/errors.js";
import type { AnalyzedModule, ExportNode } from "./evaluated.js";

export type ExportTree = Map<string, ExportTree | string>;

export function moduleName(path: string): string {
  return path.replace(/\.js$/, "");
}

/** Leaves are canonical function paths: "mod/path.js:fn". */
export function fileBasedExports(
  analysis: Record<string, AnalyzedModule>,
): ExportTree {
  const root: ExportTree = new Map();
  for (const [path, module] of Object.entries(analysis)) {
    for (const fn of module.functions) {
      if (fn.visibility?.kind !== "public") continue;
      const conflict = () =>
        badRequest(
          "InvalidExport",
          `Path ${path}:${fn.name} conflicts with existing export`,
        );
      let branch = root;
      for (const part of moduleName(path).split("/")) {
        const next = branch.get(part) ?? new Map<string, ExportTree | string>();
        if (typeof next === "string") throw conflict();
        branch.set(part, next);
        branch = next;
      }
      if (branch.has(fn.name)) throw conflict();
      branch.set(fn.name, `${path}:${fn.name}`);
    }
  }
  return root;
}

/** As the CLI reads it to generate a component's types. */
export function exportNodes(tree: ExportTree): [string, ExportNode][] {
  return [...tree].map(([name, node]): [string, ExportNode] => [
    name,
    typeof node === "string"
      ? {
          type: "leaf",
          leaf: `_reference/function/${node.replace(".js:", ":")}`,
        }
      : { type: "branch", branch: exportNodes(node) },
  ]);
}
