/**
 * Evaluates the pushed convex.config modules, leaves first: a definition
 * imports its children as virtual modules that know nothing but the child's
 * path and name.
 */
import { badRequest, type ApiError } from "../http/errors.js";
import type { ModuleSource } from "../runtime/types.js";
import type { DefinitionMetadata } from "./evaluated.js";
import {
  callExport,
  describeThrown,
  type ModuleEvaluator,
} from "./evaluator.js";
import type { StartPushRequest } from "./request.js";

/** The app's own definition path. */
export const ROOT = "";

const IDENTIFIER = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export async function evaluateDefinitions(
  evaluator: ModuleEvaluator,
  request: StartPushRequest,
  env: Record<string, string>,
): Promise<Map<string, DefinitionMetadata>> {
  const { definition, dependencies } = request.appDefinition;
  if (definition === null) return new Map([[ROOT, emptyApp()]]);
  const pending = new Map<
    string,
    { module: ModuleSource; dependencies: string[] }
  >([[ROOT, { module: definition, dependencies }]]);
  for (const component of request.componentDefinitions) {
    pending.set(component.definitionPath, {
      module: component.definition,
      dependencies: component.dependencies,
    });
  }

  const done = new Map<string, DefinitionMetadata>();
  const visit = async (path: string, ancestors: string[]): Promise<void> => {
    if (done.has(path)) return;
    if (ancestors.includes(path)) {
      throw badRequest("CyclicImport", "Found cyclic definition dependency");
    }
    const node = pending.get(path);
    if (node === undefined) {
      throw badRequest(
        "InvalidConvexConfig",
        `Component definition not found: "${path}"`,
      );
    }
    for (const dependency of node.dependencies) {
      await visit(dependency, [...ancestors, path]);
    }
    done.set(
      path,
      await evaluateDefinition(evaluator, path, node.module, done, env),
    );
  };
  await visit(ROOT, []);
  return done;
}

function emptyApp(): DefinitionMetadata {
  return {
    path: ROOT,
    definitionType: { type: "app" },
    childComponents: [],
    httpMounts: {},
    exports: { type: "branch", branch: [] },
  };
}

async function evaluateDefinition(
  evaluator: ModuleEvaluator,
  path: string,
  module: ModuleSource,
  evaluated: Map<string, DefinitionMetadata>,
  env: Record<string, string>,
): Promise<DefinitionMetadata> {
  const children = [...evaluated].map(([childPath, child]) =>
    childModule(childPath, child),
  );
  let exports: Record<string, unknown>;
  try {
    exports = await evaluator.evaluate(
      [module, ...children],
      module.path,
      // Only the app's own configuration may look at the environment.
      path === ROOT ? env : {},
    );
  } catch (error) {
    throw badRequest("InvalidConvexConfig", describeThrown(error));
  }
  const definition = exports.default;
  if (definition === undefined) {
    throw invalidExport(path, "missing default export");
  }
  if (typeof definition !== "object" || definition === null) {
    throw invalidExport(path, "the default export is not an object");
  }
  if (Object.keys(exports).length !== 1) {
    throw invalidExport(path, "`convex.config.ts` has more than one export");
  }
  if (typeof Reflect.get(definition, "export") !== "function") {
    throw invalidExport(
      path,
      "missing `export` property on the default export of `convex.config.ts`",
    );
  }
  const exported = callExport(definition, "export", "InvalidConvexConfig");
  if (typeof exported !== "object" || exported === null) {
    throw invalidExport(
      path,
      "`app.export()` (where `app` is the default export of `convex.config.ts`) doesn’t return an object",
    );
  }
  // A round trip through JSON brings the object into this realm.
  const metadata = {
    ...(JSON.parse(JSON.stringify(exported)) as DefinitionMetadata),
    path,
  };
  checkDefinition(metadata);
  return metadata;
}

function childModule(path: string, child: DefinitionMetadata): ModuleSource {
  const name =
    child.definitionType.type === "childComponent"
      ? child.definitionType.name
      : "app";
  return {
    path: `_componentDeps/${Buffer.from(path).toString("base64url")}`,
    source: `export default { componentDefinitionPath: ${JSON.stringify(path)}, defaultName: ${JSON.stringify(name)}, export() { return {}; } };`,
    sourceMap: null,
    environment: "isolate",
  };
}

function invalidExport(path: string, why: string): ApiError {
  return badRequest(
    "InvalidDefinition",
    path === ROOT
      ? `The default export of \`convex.config.ts\` in your app has an invalid value (${why}). Please make sure that you’re exporting the return value of \`defineApp()\` (\`import { defineApp } from 'convex/server'\`).`
      : `The default export of \`convex.config.ts\` in component \`${path}\` has an invalid value (${why}). Please make sure that the component is exporting the return value of \`defineComponent()\` (\`import { defineComponent } from 'convex/server'\`).`,
  );
}

function checkDefinition(metadata: DefinitionMetadata): void {
  const names = new Set<string>();
  for (const { name } of metadata.childComponents) {
    if (!IDENTIFIER.test(name)) {
      throw badRequest(
        "InvalidDefinition",
        `Invalid component name "${name}": only letters, digits and underscores are allowed, and it may not start with a digit.`,
      );
    }
    if (names.has(name)) {
      throw badRequest(
        "InvalidDefinition",
        `Duplicate component name "${name}". Pass a different \`name\` to one of the \`app.use()\` calls.`,
      );
    }
    names.add(name);
  }
}
