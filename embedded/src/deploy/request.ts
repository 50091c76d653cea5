/**
 * What the CLI sends to start a push. Only what is read is typed; the shape is
 * checked far enough that a wrong request is answered with a sentence.
 */
import { badRequest } from "../http/errors.js";
import type { ModuleSource } from "../runtime/types.js";

export interface ModuleHash {
  path: string;
  environment: "isolate" | "node";
  sha256: string;
}

export interface AppDefinitionRequest {
  /** The bundled convex.config, or null for an app without one. */
  definition: ModuleSource | null;
  dependencies: string[];
  schema: ModuleSource | null;
  changedModules: ModuleSource[];
  /** Modules the deployment already has, to be taken over by their hash. */
  unchangedModuleHashes: ModuleHash[];
  udfServerVersion: string;
}

export interface ComponentDefinitionRequest {
  definitionPath: string;
  definition: ModuleSource;
  dependencies: string[];
  schema: ModuleSource | null;
  functions: ModuleSource[];
  udfServerVersion: string;
}

export interface StartPushRequest {
  dryRun: boolean;
  /** Set by `codegen --component-dir`: the app is a shell without variables. */
  forCodegen: boolean;
  /** The functions directory, for example "convex/". */
  functions: string;
  appDefinition: AppDefinitionRequest;
  componentDefinitions: ComponentDefinitionRequest[];
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(what: string): never {
  throw badRequest(
    "InvalidConfig",
    `The push request is malformed: ${what}. Push with the official \`convex\` CLI.`,
  );
}

function object(parent: Json, key: string): Json {
  const value = parent[key];
  return isObject(value) ? value : invalid(`"${key}" must be an object`);
}

function list(parent: Json, key: string): unknown[] {
  const value = parent[key];
  return Array.isArray(value) ? value : invalid(`"${key}" must be an array`);
}

function text(parent: Json, key: string): string {
  const value = parent[key];
  return typeof value === "string"
    ? value
    : invalid(`"${key}" must be a string`);
}

function texts(parent: Json, key: string): string[] {
  return list(parent, key).map((item) =>
    typeof item === "string"
      ? item
      : invalid(`"${key}" must hold strings only`),
  );
}

function environment(value: unknown): "isolate" | "node" {
  return value === "isolate" || value === "node"
    ? value
    : invalid(
        `the environment of a module must be "isolate" or "node", not ${JSON.stringify(value)}`,
      );
}

function parseModule(value: unknown): ModuleSource {
  if (!isObject(value)) invalid("a module must be an object");
  return {
    path: text(value, "path"),
    source: text(value, "source"),
    sourceMap: typeof value.sourceMap === "string" ? value.sourceMap : null,
    environment: environment(value.environment),
  };
}

function parseOptionalModule(value: unknown): ModuleSource | null {
  return value === null || value === undefined ? null : parseModule(value);
}

function parseHash(value: unknown): ModuleHash {
  if (!isObject(value)) invalid("a module hash must be an object");
  return {
    path: text(value, "path"),
    environment: environment(value.environment),
    sha256: text(value, "sha256"),
  };
}

function parseApp(app: Json): AppDefinitionRequest {
  return {
    definition: parseOptionalModule(app.definition),
    dependencies: texts(app, "dependencies"),
    schema: parseOptionalModule(app.schema),
    changedModules: list(app, "changedModules").map(parseModule),
    unchangedModuleHashes: list(app, "unchangedModuleHashes").map(parseHash),
    udfServerVersion: text(app, "udfServerVersion"),
  };
}

function parseComponent(value: unknown): ComponentDefinitionRequest {
  if (!isObject(value)) invalid("a component definition must be an object");
  return {
    definitionPath: text(value, "definitionPath"),
    definition: parseModule(value.definition),
    dependencies: texts(value, "dependencies"),
    schema: parseOptionalModule(value.schema),
    functions: list(value, "functions").map(parseModule),
    udfServerVersion: text(value, "udfServerVersion"),
  };
}

/** Throws an ApiError saying which part of `body` is not as it should be. */
export function parseStartPushRequest(body: unknown): StartPushRequest {
  if (!isObject(body)) invalid("the body must be an object");
  const packages = list(body, "nodeDependencies");
  if (packages.length > 0) {
    const names = packages
      .map((item) => (isObject(item) ? String(item.name) : "?"))
      .join(", ");
    throw badRequest(
      "ExternalPackagesNotSupported",
      `The embedded deployment cannot install external Node packages (${names}). Remove them from \`node.externalPackages\` in convex.json, so that they are bundled.`,
    );
  }
  return {
    dryRun: body.dryRun === true,
    forCodegen: body.forCodegen === true,
    functions: text(body, "functions"),
    appDefinition: parseApp(object(body, "appDefinition")),
    componentDefinitions: list(body, "componentDefinitions").map(
      parseComponent,
    ),
  };
}
