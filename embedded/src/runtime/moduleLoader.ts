/**
 * Loads the modules of a component definition and instantiates them: once per
 * top-level or nested function call, lazily following imports, with the
 * environment of that call.
 */
import { createHash } from "node:crypto";
import { createRequire, isBuiltin } from "node:module";
import { posix } from "node:path";
import { compileModule, type CompiledModule } from "./compile.js";
import type { Environment } from "./environment.js";
import { libraryModules } from "./library.js";
import type { PositionLookup } from "./stack.js";
import type { ComponentDefinition, ModuleSource } from "./types.js";

export interface LoadedDefinition {
  has(path: string): boolean;
  /**
   * Evaluates the module and what it imports, as far as that has not been done in
   * this place, and returns its exports. With a library, its modules are those in there.
   */
  instantiate(
    path: string,
    place: Place,
    library?: Library,
  ): Record<string, unknown>;
  /** Translates positions of stack frames to the user's files. */
  readonly positions: PositionLookup;
  environmentOf(path: string): "isolate" | "node" | null;
}

interface ModuleInstance {
  exports: Record<string, unknown>;
}

/** Where modules are evaluated: with which globals, and what has been so far. */
export interface Place {
  readonly environment: Environment;
  /** By path. */
  readonly instances: Map<string, ModuleInstance>;
}

/**
 * Instances of the `convex` package's own modules. They are evaluated in an environment
 * of their own, so that what they keep of it outlives a call; from then on, the globals
 * are those of the call that has the library.
 */
export class Library implements Place {
  readonly instances = new Map<string, ModuleInstance>();
  private readonly modules: ((scope: object) => void)[] = [];
  private scope: object | null = null;

  constructor(readonly environment: Environment) {}

  /** For the call with this scope. */
  lend(scope: object): void {
    this.scope = scope;
    for (const use of this.modules) use(scope);
  }

  /** A module of it that has been evaluated. */
  add(use: (scope: object) => void): void {
    this.modules.push(use);
    if (this.scope !== null) use(this.scope);
  }
}

export interface ModuleLoader {
  /** Compiles modules; what was compiled before in this process is reused. Rejects with a message that names the module. */
  load(
    modules: ModuleSource[] | Record<string, ModuleSource>,
  ): Promise<LoadedDefinition>;
  /** The same for a definition that is in an App; remembered for as long as the definition lives. */
  definition(definition: ComponentDefinition): Promise<LoadedDefinition>;
}

const nodeRequire = createRequire(import.meta.url);

/**
 * All of this process: compiling takes time, and compiled code keeps nothing, so that
 * deployments after another (tests, simulated histories) can have the same.
 */
const compiled = new Map<string, Promise<CompiledModule>>();

function compile(source: ModuleSource): Promise<CompiledModule> {
  const key = fingerprint(source);
  let module = compiled.get(key);
  if (module === undefined) {
    module = compileModule(source);
    compiled.set(key, module);
    module.catch(() => compiled.delete(key));
  }
  return module;
}

export function createModuleLoader(): ModuleLoader {
  const definitions = new WeakMap<
    ComponentDefinition,
    Promise<LoadedDefinition>
  >();

  async function load(
    modules: ModuleSource[] | Record<string, ModuleSource>,
  ): Promise<LoadedDefinition> {
    const sources = Object.values(modules);
    const list = await Promise.all(sources.map(compile));
    return new Definition(
      new Map(list.map((m) => [m.path, m])),
      libraryModules(sources),
    );
  }

  return {
    load,
    definition(definition) {
      let loaded = definitions.get(definition);
      if (loaded === undefined) {
        loaded = load(definition.modules);
        definitions.set(definition, loaded);
      }
      return loaded;
    },
  };
}

function fingerprint(source: ModuleSource): string {
  return createHash("sha256")
    .update(source.environment)
    .update("\0")
    .update(source.path)
    .update("\0")
    .update(source.source)
    .update("\0")
    .update(source.sourceMap ?? "")
    .digest("base64");
}

class Definition implements LoadedDefinition {
  /** What each module's imports lead to, once they were followed: every call follows them anew. */
  private readonly imports = new Map<
    CompiledModule,
    Map<string, CompiledModule | null>
  >();

  constructor(
    private readonly modules: Map<string, CompiledModule>,
    private readonly library: Set<string>,
  ) {}

  readonly positions: PositionLookup = (path, line, column) =>
    this.modules.get(path)?.originalPosition(line, column) ?? null;

  has(path: string): boolean {
    return this.modules.has(path);
  }

  environmentOf(path: string): "isolate" | "node" | null {
    return this.modules.get(path)?.environment ?? null;
  }

  instantiate(
    path: string,
    own: Place,
    library?: Library,
  ): Record<string, unknown> {
    const module = this.modules.get(path);
    if (module === undefined) {
      throw new Error(`There is no module ${path} in the pushed code.`);
    }
    return this.evaluate(module, own, library);
  }

  private evaluate(
    module: CompiledModule,
    place: Place,
    library: Library | undefined,
  ): Record<string, unknown> {
    const { instances, environment } = place;
    const existing = instances.get(module.path);
    // Also while it is still being evaluated: cyclic imports see what is there so far.
    if (existing !== undefined) return existing.exports;
    const instance: ModuleInstance = { exports: {} };
    instances.set(module.path, instance);
    const { body, use } = module.factory(environment.scope(module.environment));
    body.call(
      undefined,
      instance.exports,
      (specifier) => this.require(module, specifier, place, library),
      instance,
    );
    if (place === library) library.add(use);
    return instance.exports;
  }

  private require(
    from: CompiledModule,
    specifier: string,
    place: Place,
    library: Library | undefined,
  ): unknown {
    const imported = this.resolve(from, specifier);
    if (imported !== null) {
      const isShared = library !== undefined && this.library.has(imported.path);
      return this.evaluate(imported, isShared ? library : place, library);
    }
    if (from.environment === "node" && isBuiltin(specifier)) {
      return nodeRequire(specifier);
    }
    throw new Error(
      from.environment === "node"
        ? `Cannot import "${specifier}" from ${from.path}: the embedded deployment bundles packages and offers Node's built-in modules only. Remove it from "externalPackages" in convex.json.`
        : `Cannot import "${specifier}" from ${from.path}: it is not part of the pushed code, and Node's modules need "use node".`,
    );
  }

  private resolve(
    from: CompiledModule,
    specifier: string,
  ): CompiledModule | null {
    let imports = this.imports.get(from);
    if (imports === undefined) this.imports.set(from, (imports = new Map()));
    let imported = imports.get(specifier);
    if (imported === undefined) {
      imports.set(specifier, (imported = this.find(from.path, specifier)));
    }
    return imported;
  }

  private find(from: string, specifier: string): CompiledModule | null {
    if (!specifier.startsWith(".")) return null;
    const path = posix.join(posix.dirname(from), specifier);
    return this.modules.get(path) ?? this.modules.get(`${path}.js`) ?? null;
  }
}
