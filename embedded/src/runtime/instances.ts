/**
 * Where a call gets its modules from. Convex evaluates them afresh for every
 * call, nested ones included, and so do we; only the modules of the `convex`
 * package itself, which keep nothing, come from an earlier call that has ended.
 * Still, evaluating is most of the time a small function takes. A benchmark or a
 * simulation of code that keeps nothing in module-level variables either may let
 * all calls share them.
 */
import type { CallHost } from "./callHost.js";
import { currentHost } from "./currentHost.js";
import { Environment } from "./environment.js";
import {
  Library,
  type LoadedDefinition,
  type ModuleLoader,
  type Place,
} from "./moduleLoader.js";

export interface Instance {
  exports: Record<string, unknown>;
  /** To be called only when the call has ended and left nothing behind. */
  giveBack(): void;
}

export interface Instances {
  /** For the call whose code is being entered. */
  take(
    loaded: LoadedDefinition,
    path: string,
    component: string,
    host: CallHost,
  ): Instance;
}

/** What is kept of each definition, apart for everything else that it must fit. */
class Kept<T> {
  private readonly all = new WeakMap<LoadedDefinition, Map<string, T>>();

  of(loaded: LoadedDefinition, key: string, create: () => T): T {
    let ofDefinition = this.all.get(loaded);
    if (ofDefinition === undefined) {
      this.all.set(loaded, (ofDefinition = new Map()));
    }
    let kept = ofDefinition.get(key);
    if (kept === undefined) ofDefinition.set(key, (kept = create()));
    return kept;
  }
}

/** For queries and mutations: of an action, something may go on after its end. */
export class FreshInstances implements Instances {
  private readonly free = new Kept<Library[]>();

  take(
    loaded: LoadedDefinition,
    path: string,
    component: string,
    host: CallHost,
  ): Instance {
    if (host.io !== null) {
      return {
        exports: loaded.instantiate(path, freshPlace(new Environment(host))),
        giveBack: () => {},
      };
    }
    const free = this.free.of(loaded, component, () => []);
    const used = free.pop();
    used?.environment.renew();
    const library = used ?? new Library(new Environment(currentHost(host)));
    const environment = new Environment(host, library.environment);
    library.lend(environment.scope("isolate"));
    return {
      exports: loaded.instantiate(path, freshPlace(environment), library),
      giveBack: () => free.push(library),
    };
  }
}

function freshPlace(environment: Environment): Place {
  return { environment, instances: new Map() };
}

export class SharedInstances implements Instances {
  private static readonly ofLoaders = new WeakMap<
    ModuleLoader,
    SharedInstances
  >();

  /** Runtimes that share their compiled modules share what was made of them. */
  static of(modules: ModuleLoader): SharedInstances {
    let instances = SharedInstances.ofLoaders.get(modules);
    if (instances === undefined) {
      instances = new SharedInstances();
      SharedInstances.ofLoaders.set(modules, instances);
    }
    return instances;
  }

  private readonly places = new Kept<Place>();

  take(
    loaded: LoadedDefinition,
    path: string,
    component: string,
    host: CallHost,
  ): Instance {
    const { environment, instances } = this.places.of(
      loaded,
      `${component}|${host.io === null}`,
      () => freshPlace(new Environment(currentHost(host))),
    );
    let exports = instances.get(path)?.exports;
    if (exports === undefined) {
      // Of modules that throw or are cut off, nothing stays: the next call evaluates them anew.
      const more = new Map(instances);
      exports = loaded.instantiate(path, { environment, instances: more });
      for (const one of more) instances.set(...one);
    }
    return { exports, giveBack: () => {} };
  }
}
