/**
 * An app as it would have been bundled with an older `convex` package. What a
 * function finds in its `ctx` is made by that package, inside the bundle, so the
 * deployment cannot take it away: the pushed code has to be another.
 *
 * | feature | came with npm | without it |
 * | --- | --- | --- |
 * | `getTransactionMetrics` | 1.35 or before | `ctx.meta.getTransactionMetrics` is undefined |
 * | `getDeploymentMetadata` | 1.37 | `ctx.meta.getDeploymentMetadata` is undefined |
 * | `transactionLimits` | 1.38 | the option is ignored in silence |
 * | `useStaleSnapshot` | 1.42 | the option is ignored in silence: an ordinary read, with dependencies |
 * | `vars` | 1.43 | `ctx.db.vars` is undefined |
 * | `getSnapshotTs` | 1.46 | `ctx.meta.getSnapshotTs` is undefined |
 * | `meta` | 1.35 or before | `ctx.meta` is undefined |
 */
import type { App, ModuleSource } from "./runtime/types.js";

/** As esbuild prints the package's code, and what takes its place. */
const FEATURES = {
  getTransactionMetrics: metaMember("getTransactionMetrics"),
  getDeploymentMetadata: metaMember("getDeploymentMetadata"),
  getSnapshotTs: metaMember("getSnapshotTs"),
  transactionLimits: [/\boptions\?\.transactionLimits\b/g, "undefined"],
  useStaleSnapshot: [/\boptions\?\.useStaleSnapshot\b/g, "undefined"],
  vars: [/^(\s*)vars: \{$/gm, "$1varsOfLaterVersions: {"],
  meta: [/^(\s*)meta: (?=setup\w+Meta\d*\()/gm, "$1metaOfLaterVersions: "],
} satisfies Record<string, [RegExp, string]>;

/** A line of the object that becomes `ctx.meta`; the CLI shortens what it is called outside. */
function metaMember(name: string): [RegExp, string] {
  return [new RegExp(`^\\s*${name}(: [\\w$]+)?,?$`, "gm"), ""];
}

export type PackageFeature = keyof typeof FEATURES;

/** Throws if nothing of a feature is to be found: the bundle looks different from what is expected. */
export function withOlderPackage(
  app: App,
  without: readonly PackageFeature[],
): App {
  let definitions = app.definitions;
  for (const feature of without) {
    const [code, replacement] = FEATURES[feature];
    let found = false;
    const older = (module: ModuleSource): ModuleSource => {
      const source = module.source.replace(code, replacement);
      if (source === module.source) return module;
      found = true;
      return { ...module, source };
    };
    definitions = Object.fromEntries(
      Object.entries(definitions).map(([path, definition]) => [
        path,
        {
          ...definition,
          modules: Object.fromEntries(
            Object.entries(definition.modules).map(([name, module]) => [
              name,
              older(module),
            ]),
          ),
        },
      ]),
    );
    if (!found) {
      throw new Error(
        `The app's bundles have no ${feature} of the convex package to leave out.`,
      );
    }
  }
  return { ...app, definitions };
}
