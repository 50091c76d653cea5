/** What is deployed: the evaluated definitions and how they are mounted. */
import type {
  App,
  ComponentDefinition,
  ComponentInstance,
  FunctionInfo,
  FunctionType,
} from "../runtime/types.js";
import type { JSONValue } from "../storage/types.js";
import type { EnvBinding, EvaluatedDefinition } from "./evaluated.js";
import type { EvaluatedPush } from "./evaluatePush.js";
import { moduleName } from "./exports.js";
import { walk, type CheckedComponent } from "./mount.js";
import { toSchemaDefinition } from "./schema.js";

export interface DeployedCode extends EvaluatedPush {
  /** Increases with every push. */
  version: number;
  /** The functions directory, for example "convex/". */
  functions: string;
}

export interface Environment {
  /** The deployment's variables, set with `convex env set`. */
  user: Record<string, string>;
  /** What every function sees: CONVEX_CLOUD_URL and CONVEX_SITE_URL. */
  system: Record<string, string>;
}

/** Before the first push: an app without functions. */
export function emptyCode(): DeployedCode {
  return {
    version: 0,
    functions: "convex/",
    definitions: {},
    app: {
      definitionPath: "",
      componentPath: "",
      httpPrefix: null,
      args: {},
      env: {},
      childComponents: {},
      httpRoutes: { httpModuleRoutes: null, mounts: [] },
      exports: {},
    },
  };
}

/** `version` tells apart what was built from the same code with other variables. */
export function buildApp(
  code: DeployedCode,
  env: Environment,
  version: number,
): App {
  const components: Record<string, ComponentInstance> = {};
  const httpMounts: Record<string, string> = {};
  for (const component of walk(code.app)) {
    components[component.componentPath] = instance(component, env);
    if (component.componentPath === "") {
      httpMounts[component.httpPrefix ?? "/"] = "";
    } else if (component.httpPrefix !== null) {
      httpMounts[component.httpPrefix] = component.componentPath;
    }
  }
  const definitions: Record<string, ComponentDefinition> = {};
  for (const [path, definition] of Object.entries(code.definitions)) {
    definitions[path] = componentDefinition(path, definition);
  }
  definitions[""] ??= {
    definitionPath: "",
    modules: {},
    functions: {},
    schema: null,
    httpRoutes: null,
  };
  return { version, components, definitions, httpMounts };
}

function instance(
  component: CheckedComponent,
  env: Environment,
): ComponentInstance {
  return {
    path: component.componentPath,
    definitionPath: component.definitionPath,
    env: {
      ...env.system,
      ...(component.componentPath === ""
        ? env.user
        : bindEnv(component.env, env.user)),
    },
    children: Object.fromEntries(
      Object.entries(component.childComponents).map(([name, child]) => [
        name,
        child.componentPath,
      ]),
    ),
  };
}

function bindEnv(
  bindings: Record<string, EnvBinding>,
  user: Record<string, string>,
): Record<string, string> {
  const bound: Record<string, string> = {};
  for (const [name, binding] of Object.entries(bindings)) {
    const value =
      binding.type === "value" ? binding.value : user[binding.name ?? ""];
    if (value !== undefined) bound[name] = value;
  }
  return bound;
}

/** The same object for the same code, so that what was compiled for it is found again. */
const componentDefinitions = new WeakMap<
  EvaluatedDefinition,
  ComponentDefinition
>();

function componentDefinition(
  path: string,
  evaluated: EvaluatedDefinition,
): ComponentDefinition {
  const known = componentDefinitions.get(evaluated);
  if (known !== undefined) return known;
  const definition = toComponentDefinition(path, evaluated);
  componentDefinitions.set(evaluated, definition);
  return definition;
}

function toComponentDefinition(
  path: string,
  definition: EvaluatedDefinition,
): ComponentDefinition {
  const functions: Record<string, FunctionInfo> = {};
  for (const [modulePath, module] of Object.entries(definition.analysis)) {
    for (const fn of module.functions) {
      functions[`${moduleName(modulePath)}:${fn.name}`] = {
        type: fn.udfType.toLowerCase() as FunctionType,
        // Functions of very old packages have no mark and are public.
        visibility: fn.visibility?.kind ?? "public",
        args: fn.args === null ? { type: "any" } : parse(fn.args),
        returns: fn.returns === null ? null : parse(fn.returns),
      };
    }
  }
  return {
    definitionPath: path,
    modules: Object.fromEntries(
      definition.modules.map((module) => [module.path, module]),
    ),
    functions,
    schema: toSchemaDefinition(definition.schema),
    httpRoutes: definition.analysis["http.js"]?.httpRoutes ?? null,
  };
}

function parse(json: string): JSONValue {
  return JSON.parse(json) as JSONValue;
}
