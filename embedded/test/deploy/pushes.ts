/** Pushes as the CLI sends them, bundled from sources within a test. */
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import type { ModuleSource } from "../../src/runtime/types.js";

/** Where "convex/server" resolves from. */
const HERE = fileURLToPath(new URL(".", import.meta.url));

async function bundle(path: string, source: string): Promise<ModuleSource> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: HERE, loader: "ts" },
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    charset: "utf8",
    external: ["./_componentDeps/*"],
  });
  return {
    path,
    source: outputFiles[0]!.text,
    sourceMap: null,
    environment: "isolate",
  };
}

export interface ComponentSources {
  /** Its convex.config; children are imported from {@link child}. */
  config?: string;
  dependencies?: string[];
  schema?: string;
  /** By path, without ".ts". */
  modules?: Record<string, string>;
}

/** The import of a child's definition, as the bundler rewrites it. */
export function child(path: string): string {
  return `./_componentDeps/${Buffer.from(path).toString("base64url")}`;
}

async function parts(sources: ComponentSources) {
  const { config, schema, modules = {}, dependencies = [] } = sources;
  return {
    definition:
      config === undefined ? null : await bundle("convex.config.js", config),
    dependencies,
    schema: schema === undefined ? null : await bundle("schema.js", schema),
    functions: await Promise.all(
      Object.entries(modules).map(([path, source]) =>
        bundle(`${path}.js`, source),
      ),
    ),
  };
}

/** A body for start_push. */
export async function pushRequest(
  app: ComponentSources,
  components: Record<string, ComponentSources> = {},
  options: { dryRun?: boolean } = {},
): Promise<unknown> {
  const { functions, ...root } = await parts(app);
  return {
    adminKey: "",
    dryRun: options.dryRun ?? false,
    functions: "convex/",
    appDefinition: {
      ...root,
      changedModules: functions,
      unchangedModuleHashes: [],
      udfServerVersion: "1.48.0",
    },
    componentDefinitions: await Promise.all(
      Object.entries(components).map(async ([definitionPath, sources]) => ({
        definitionPath,
        ...(await parts(sources)),
        udfServerVersion: "1.48.0",
      })),
    ),
    nodeDependencies: [],
  };
}

/** A schema module with one table. */
export function schemaOf(table: string, fields: string): string {
  return `
    import { defineSchema, defineTable } from "convex/server";
    import { v } from "convex/values";
    export default defineSchema({ ${table}: defineTable(${fields}).index("by_text", ["text"]) });
  `;
}
