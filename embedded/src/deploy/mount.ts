/**
 * Builds the tree of mounted components from their definitions and checks that
 * it fits together: variables are declared and bound, HTTP mounts do not
 * overlap. The result has the shape the CLI expects, and is what an App is
 * made from.
 */
import { badRequest, type ApiError } from "../http/errors.js";
import type { HttpRoute } from "../runtime/types.js";
import type {
  ChildInstantiation,
  DefinitionMetadata,
  EnvBinding,
  EnvDeclaration,
  EvaluatedDefinition,
} from "./evaluated.js";
import { checkEnvValue, satisfies } from "./envValidators.js";
import { fileBasedExports, type ExportTree } from "./exports.js";

type CheckedExport =
  | { type: "branch"; children: Record<string, CheckedExport> }
  | {
      type: "leaf";
      resource: {
        type: "function";
        path: { component: string; udfPath: string };
      };
    };

export interface CheckedComponent {
  definitionPath: string;
  componentPath: string;
  /** Where its routes are served; null: nowhere (the app: at "/"). */
  httpPrefix: string | null;
  args: Record<string, never>;
  /** Bound to a value, or to a variable of the app. */
  env: Record<string, EnvBinding>;
  childComponents: Record<string, CheckedComponent>;
  httpRoutes: { httpModuleRoutes: HttpRoute[] | null; mounts: string[] };
  exports: Record<string, CheckedExport>;
}

type Definitions = Record<string, EvaluatedDefinition>;

function typecheckError(message: string): ApiError {
  return badRequest("TypecheckError", message);
}

/** `checkEnv` is off for `codegen --component-dir`, whose app is a shell without variables. */
export function mountApp(
  definitions: Definitions,
  checkEnv: boolean,
): CheckedComponent {
  const app = definitions[""];
  if (app === undefined) {
    throw typecheckError("Root component definition not found");
  }
  return mount(
    definitions,
    {
      definitionPath: "",
      componentPath: "",
      httpPrefix: app.definition.httpPrefix ?? null,
      env: {},
    },
    checkEnv,
  );
}

interface Place {
  definitionPath: string;
  componentPath: string;
  httpPrefix: string | null;
  env: Record<string, EnvBinding>;
}

function mount(
  definitions: Definitions,
  place: Place,
  checkEnv: boolean,
): CheckedComponent {
  const evaluated = lookUp(definitions, place.definitionPath);
  const declared = Object.fromEntries(evaluated.definition.envVars ?? []);
  if (place.componentPath !== "" && checkEnv) {
    for (const [name, declaration] of Object.entries(declared)) {
      if (declaration.optional !== true && place.env[name] === undefined) {
        throw typecheckError(
          `Component "${place.componentPath}" is missing required env var "${name}"`,
        );
      }
    }
  }
  const childComponents: Record<string, CheckedComponent> = {};
  for (const child of evaluated.definition.childComponents) {
    childComponents[child.name] = mount(
      definitions,
      {
        definitionPath: child.path,
        componentPath: joinPath(place.componentPath, child.name),
        httpPrefix: mountPrefix(evaluated.definition, place, child.name),
        env: resolveBindings(definitions, place, declared, child),
      },
      checkEnv,
    );
  }
  return {
    definitionPath: place.definitionPath,
    componentPath: place.componentPath,
    httpPrefix: place.httpPrefix,
    args: {},
    env: place.env,
    childComponents,
    httpRoutes: mountRoutes(evaluated, childComponents),
    exports: checkedExports(
      fileBasedExports(evaluated.analysis),
      place.componentPath,
    ),
  };
}

function lookUp(definitions: Definitions, path: string): EvaluatedDefinition {
  const found = definitions[path];
  if (found === undefined) {
    throw typecheckError(`Component definition not found: "${path}"`);
  }
  return found;
}

export function joinPath(parent: string, name: string): string {
  return parent === "" ? name : `${parent}/${name}`;
}

/** A child of a mounted component is mounted below it; the app's own prefix does not count. */
function mountPrefix(
  parent: DefinitionMetadata,
  place: Place,
  child: string,
): string | null {
  const found = Object.entries(parent.httpMounts).find(
    ([, reference]) => reference === `_reference/childComponent/${child}`,
  );
  if (found === undefined) return null;
  const prefix = found[0];
  return place.componentPath !== "" && place.httpPrefix !== null
    ? place.httpPrefix.replace(/\/+$/, "") + prefix
    : prefix;
}

function resolveBindings(
  definitions: Definitions,
  parent: Place,
  parentDeclared: Record<string, EnvDeclaration>,
  child: ChildInstantiation,
): Record<string, EnvBinding> {
  const path = joinPath(parent.componentPath, child.name);
  const childDeclared = Object.fromEntries(
    lookUp(definitions, child.path).definition.envVars ?? [],
  );
  const resolved: Record<string, EnvBinding> = {};
  for (const [name, binding] of child.env ?? []) {
    const declaration = childDeclared[name];
    if (declaration === undefined) {
      throw typecheckError(
        `Component "${path}" has no env var named "${name}"`,
      );
    }
    if (binding.type === "value") {
      const problem = checkEnvValue(declaration, binding.value ?? "");
      if (problem !== null) {
        throw typecheckError(
          `Component "${path}" has an invalid value for env var "${name}": ${problem}`,
        );
      }
      resolved[name] = binding;
      continue;
    }
    const parentName = binding.name ?? "";
    const source = parentDeclared[parentName];
    if (source === undefined) {
      throw typecheckError(
        `Component "${path}" env var "${name}" references undeclared parent env var ${parentName}`,
      );
    }
    if (source.optional === true && declaration.optional !== true) {
      throw typecheckError(
        `Component "${path}" env var "${name}" is required, but parent env var ${parentName} is optional`,
      );
    }
    if (!satisfies(source, declaration)) {
      throw typecheckError(
        `Component "${path}" env var "${name}" validator is not satisfied by parent env var ${parentName} validator`,
      );
    }
    // Below the app, a reference means whatever the parent's own is bound to.
    const bound =
      parent.componentPath === "" ? binding : parent.env[parentName];
    if (bound !== undefined) resolved[name] = bound;
  }
  return resolved;
}

function mountRoutes(
  evaluated: EvaluatedDefinition,
  children: Record<string, CheckedComponent>,
): CheckedComponent["httpRoutes"] {
  const own = evaluated.analysis["http.js"]?.httpRoutes ?? null;
  const mounts: string[] = [];
  for (const [prefix, reference] of Object.entries(
    evaluated.definition.httpMounts,
  )) {
    if (!prefix.endsWith("/") || prefix.includes("*") || prefix.includes("?")) {
      throw typecheckError(
        `HTTP mount "${prefix}" is invalid: it must start and end with "/" and hold neither "*" nor "?".`,
      );
    }
    const name = reference.replace("_reference/childComponent/", "");
    const child = children[name];
    if (child === undefined) {
      throw typecheckError(
        `HTTP mount "${prefix}" is invalid: Child component "${name}" not found.`,
      );
    }
    const routes = child.httpRoutes;
    if (
      (routes.httpModuleRoutes ?? []).length === 0 &&
      routes.mounts.length === 0
    ) {
      throw typecheckError(
        `HTTP mount "${prefix}" is invalid: Child component "${name}" doesn't have any HTTP routes.`,
      );
    }
    const overlaps = (own ?? []).some(
      (route) =>
        route.path.endsWith("*") && route.path.slice(0, -1).startsWith(prefix),
    );
    if (overlaps) {
      throw typecheckError(
        `HTTP mount "${prefix}" is invalid: Overlap with existing prefix route`,
      );
    }
    mounts.push(prefix);
  }
  return { httpModuleRoutes: own, mounts };
}

function checkedExports(
  tree: ExportTree,
  component: string,
): Record<string, CheckedExport> {
  return Object.fromEntries(
    [...tree].map(([name, node]): [string, CheckedExport] => [
      name,
      typeof node === "string"
        ? {
            type: "leaf",
            resource: { type: "function", path: { component, udfPath: node } },
          }
        : { type: "branch", children: checkedExports(node, component) },
    ]),
  );
}

/** Every component of the tree, parents first. */
export function* walk(
  component: CheckedComponent,
): Generator<CheckedComponent> {
  yield component;
  for (const child of Object.values(component.childComponents)) {
    yield* walk(child);
  }
}
