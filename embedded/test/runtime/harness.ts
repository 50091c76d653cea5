/**
 * Deployments for tests of the runtime: an app is a record of TypeScript
 * sources, bundled as the official CLI would bundle them, on an in-memory
 * database. The clock is virtual: nothing happens unless a test lets it.
 */
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { afterEach } from "vitest";
import { SeededRandomness, VirtualClock } from "../../src/clock.js";
import {
  createModuleLoader,
  createRuntime,
  DEPLOYMENT_TABLES,
  evaluateModule,
  SYSTEM_TABLES,
  type Runtime,
  type RuntimeOptions,
} from "../../src/runtime/index.js";
import type {
  App,
  CallRequest,
  ComponentDefinition,
  FunctionInfo,
  FunctionOutcome,
  HttpRoute,
  LogLine,
  ModuleSource,
} from "../../src/runtime/types.js";
import { openDatabase, type OpenOptions } from "../../src/storage/index.js";
import type {
  Database,
  JSONObject,
  JSONValue,
  SchemaDefinition,
} from "../../src/storage/types.js";

/** "mod/path.ts" → source. `schema.ts` is applied when it is there. */
export type Sources = Record<string, string>;

export interface ComponentSources {
  sources: Sources;
  /** Mounted children, by name. */
  children?: Record<string, ComponentSources>;
  env?: Record<string, string>;
}

const RESOLVE_DIR = fileURLToPath(new URL(".", import.meta.url));

/** Makes `import { query } from "./_generated/server"` work without code generation. */
const GENERATED_SERVER = `
  export {
    queryGeneric as query, mutationGeneric as mutation, actionGeneric as action,
    internalQueryGeneric as internalQuery, internalMutationGeneric as internalMutation,
    internalActionGeneric as internalAction, httpActionGeneric as httpAction,
  } from "convex/server";
  export const env = process.env;
`;
const GENERATED_API = `
  import { anyApi, componentsGeneric } from "convex/server";
  export const api = anyApi, internal = anyApi, components = componentsGeneric();
`;

function inMemory(sources: Sources): Plugin {
  const files: Sources = {
    "_generated/server.ts": GENERATED_SERVER,
    "_generated/api.ts": GENERATED_API,
    ...sources,
  };
  return {
    name: "in-memory",
    setup(builder) {
      builder.onResolve({ filter: /^app:/ }, ({ path }) => ({
        path: path.slice("app:".length),
        namespace: "app",
      }));
      builder.onResolve(
        { filter: /^\.\.?\//, namespace: "app" },
        ({ path, importer }) => {
          const resolved = new URL(path, `file:///${importer}`).pathname.slice(
            1,
          );
          return {
            path: `${resolved.replace(/\.js$/, "")}.ts`,
            namespace: "app",
          };
        },
      );
      builder.onLoad({ filter: /.*/, namespace: "app" }, ({ path }) => ({
        contents: files[path],
        loader: "ts",
        resolveDir: RESOLVE_DIR,
      }));
    },
  };
}

export async function bundle(sources: Sources): Promise<ModuleSource[]> {
  const entries = Object.keys(sources);
  const bundleEntries = async (
    environment: "isolate" | "node",
    paths: string[],
  ): Promise<ModuleSource[]> => {
    if (paths.length === 0) return [];
    const result = await build({
      entryPoints: Object.fromEntries(
        paths.map((path) => [path.replace(/\.ts$/, ""), `app:${path}`]),
      ),
      bundle: true,
      splitting: true,
      format: "esm",
      platform: environment === "node" ? "node" : "browser",
      target: "esnext",
      conditions: ["convex", "module"],
      outdir: "/out",
      chunkNames: environment === "node" ? "_deps/node/[hash]" : "_deps/[hash]",
      sourcemap: "external",
      plugins: [inMemory(sources)],
      write: false,
    });
    const texts = new Map(
      result.outputFiles.map((file) => [
        file.path.slice("/out/".length),
        file.text,
      ]),
    );
    return [...texts]
      .filter(([path]) => !path.endsWith(".map"))
      .map(([path, source]) => ({
        path,
        source,
        sourceMap: texts.get(`${path}.map`) ?? null,
        environment,
      }));
  };
  const usesNode = (path: string) => sources[path]!.includes('"use node"');
  return [
    ...(await bundleEntries(
      "isolate",
      entries.filter((e) => !usesNode(e)),
    )),
    ...(await bundleEntries("node", entries.filter(usesNode))),
  ];
}

interface Exported {
  isQuery?: boolean;
  isMutation?: boolean;
  isAction?: boolean;
  isPublic?: boolean;
  exportArgs?(): string;
  exportReturns?(): string;
}

async function define(
  definitionPath: string,
  sources: Sources,
): Promise<ComponentDefinition> {
  const modules = await bundle(sources);
  const seams = {
    clock: new VirtualClock(),
    randomness: new SeededRandomness(1),
    modules: createModuleLoader(),
  };
  const functions: Record<string, FunctionInfo> = {};
  let schema: SchemaDefinition | null = null;
  let httpRoutes: HttpRoute[] | null = null;
  for (const { path } of modules) {
    if (path.startsWith("_deps/")) continue;
    const exports = await evaluateModule(seams, modules, path, {});
    if (path === "schema.js") {
      schema = readSchema(exports.default as { export(): string });
      continue;
    }
    if (path === "http.js") {
      const router = exports.default as {
        getRoutes(): [string, string, unknown][];
      };
      httpRoutes = router
        .getRoutes()
        .map(([route, method]) => ({ path: route, method }));
      continue;
    }
    for (const [name, value] of Object.entries(exports)) {
      const exported = value as Exported;
      const type = exported.isQuery
        ? "query"
        : exported.isMutation
          ? "mutation"
          : exported.isAction
            ? "action"
            : null;
      if (type === null) continue;
      functions[`${path.replace(/\.js$/, "")}:${name}`] = {
        type,
        visibility: exported.isPublic ? "public" : "internal",
        args: JSON.parse(exported.exportArgs!()) as JSONValue,
        returns: JSON.parse(exported.exportReturns!()) as JSONValue,
      };
    }
  }
  return {
    definitionPath,
    modules: Object.fromEntries(modules.map((m) => [m.path, m])),
    functions,
    schema,
    httpRoutes,
  };
}

function readSchema(schema: { export(): string }): SchemaDefinition {
  const { tables } = JSON.parse(schema.export()) as {
    tables: {
      tableName: string;
      indexes: { indexDescriptor: string; fields: string[] }[];
      documentType: JSONValue;
    }[];
  };
  return {
    validate: true,
    tables: tables.map((table) => ({
      name: table.tableName,
      documentType: table.documentType,
      indexes: table.indexes.map((index) => ({
        name: index.indexDescriptor,
        fields: index.fields,
      })),
    })),
  };
}

export async function createApp(root: ComponentSources): Promise<App> {
  const app: App = {
    version: 1,
    components: {},
    definitions: {},
    httpMounts: { "/": "" },
  };
  const mount = async (path: string, component: ComponentSources) => {
    const definitionPath = path === "" ? "" : `components/${path}`;
    app.definitions[definitionPath] = await define(
      definitionPath,
      component.sources,
    );
    const children: Record<string, string> = {};
    for (const [name, child] of Object.entries(component.children ?? {})) {
      children[name] = path === "" ? name : `${path}/${name}`;
      await mount(children[name], child);
    }
    app.components[path] = {
      path,
      definitionPath,
      env: component.env ?? {},
      children,
    };
  };
  await mount("", root);
  return app;
}

export interface TestDeployment {
  clock: VirtualClock;
  database: Database;
  runtime: Runtime;
  logs: LogLine[];
  app: App;
  /** Calls a function and lets time pass until it has answered. Throws what the client would be told. */
  query(name: string, args?: JSONObject): Promise<JSONValue>;
  mutation(name: string, args?: JSONObject): Promise<JSONValue>;
  action(name: string, args?: JSONObject): Promise<JSONValue>;
  /** Lets time pass until `promise` settles. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** Lets everything that is scheduled happen, however far away. */
  finish(): Promise<void>;
  /** Closes everything; with a directory, it can be opened again. */
  close(): void;
}

export interface DeployOptions extends Partial<RuntimeOptions> {
  dir?: OpenOptions["dir"];
  clock?: VirtualClock;
  seed?: number;
}

/** A failed call, as a client sees it. */
export class CallError extends Error {
  constructor(
    message: string,
    readonly data: JSONValue | undefined,
    readonly outcome: FunctionOutcome,
  ) {
    super(message);
  }
}

export async function deploy(
  component: ComponentSources | Sources | App,
  options: DeployOptions = {},
): Promise<TestDeployment> {
  const app = isApp(component)
    ? component
    : await createApp(asComponent(component));
  const { dir, seed, ...runtimeOptions } = options;
  const clock = options.clock ?? new VirtualClock();
  const randomness = new SeededRandomness(seed ?? 7);
  const database = openDatabase({
    clock,
    randomness,
    systemTables: SYSTEM_TABLES,
    deploymentTables: DEPLOYMENT_TABLES,
    ...(dir === undefined ? {} : { dir }),
  });
  for (const instance of Object.values(app.components)) {
    const transaction = database.begin();
    database.applySchema(
      transaction,
      instance.path,
      app.definitions[instance.definitionPath]!.schema,
    );
    database.commit(transaction);
  }
  const logs: LogLine[] = [];
  const runtime = createRuntime({
    database,
    clock,
    randomness,
    getApp: () => app,
    onLog: (_address, line) => logs.push(line),
    // Real time must not decide anything in a test.
    limits: { userTimeMs: null },
    ...runtimeOptions,
  });
  await runtime.prepare(app);
  runtime.scheduler.start();

  async function settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    promise.then(done, done);
    await clock.runUntilIdle({ done: () => settled });
    if (!settled)
      throw new Error("Nothing is left to happen, and it has not settled.");
    return promise;
  }
  const request = (name: string, args: JSONObject): CallRequest => ({
    address: { component: "", name },
    args,
    caller: { kind: "client" },
  });
  return {
    clock,
    database,
    runtime,
    logs,
    app,
    settle,
    query: async (name, args = {}) =>
      valueOf(
        (await settle(runtime.runner.query(request(name, args)))).outcome,
      ),
    mutation: async (name, args = {}) =>
      valueOf(
        (await settle(runtime.runner.mutation(request(name, args)))).outcome,
      ),
    action: async (name, args = {}) =>
      valueOf(await settle(runtime.runner.action(request(name, args)))),
    finish: async () => {
      await clock.runUntilIdle();
    },
    close: () => {
      runtime.close();
      database.close();
    },
  };
}

function isApp(component: object): component is App {
  return "definitions" in component && "httpMounts" in component;
}

/** Deploys for one test and closes after it. Use: `const start = deployments(SOURCES)`. */
export function deployments(sources: Sources | ComponentSources) {
  let app: Promise<App> | null = null;
  const open: TestDeployment[] = [];
  afterEach(() => {
    for (const deployment of open.splice(0)) deployment.close();
  });
  return async (options?: DeployOptions): Promise<TestDeployment> => {
    // Bundled once; compiled modules and instances are each deployment's own.
    app ??= createApp(asComponent(sources));
    // A copy, since a test may change what is deployed.
    const deployment = await deploy(structuredClone(await app), options);
    open.push(deployment);
    return deployment;
  };
}

function asComponent(sources: Sources | ComponentSources): ComponentSources {
  return typeof sources.sources === "object"
    ? (sources as ComponentSources)
    : { sources: sources as Sources };
}

/** What a call that is expected to fail throws. */
export async function failure(call: Promise<unknown>): Promise<CallError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
  throw new Error("The call succeeded, but was expected to fail.");
}

export function valueOf(outcome: FunctionOutcome): JSONValue {
  if (outcome.ok) return outcome.value;
  throw new CallError(outcome.message, outcome.data, outcome);
}
