/**
 * Where a call gets its modules from. Convex evaluates them afresh for every
 * call, nested ones included, and so do we; only the modules of the `convex`
 * package itself, which keep nothing, come from an earlier call that has ended.
 * Still, evaluating is most of the time a small function takes. A benchmark of
 * code that keeps nothing in module-level variables either may let a call have
 * all the modules of an earlier one.
 */
import type { CallHost } from "./callHost.js";
import { Environment } from "./environment.js";
import {
  Library,
  type LoadedDefinition,
  type ModuleLoader,
} from "./moduleLoader.js";
import { currentCall } from "./userCode.js";

export interface Instance {
  exports: Record<string, unknown>;
  /** To be called only when the call has ended and left nothing behind. */
  giveBack(): void;
}

export interface Instances {
  take(
    loaded: LoadedDefinition,
    path: string,
    component: string,
    host: CallHost,
  ): Instance;
}

/** What is free to be taken, of each definition and by what else it must fit. */
class Free<T> {
  private readonly lists = new WeakMap<LoadedDefinition, Map<string, T[]>>();

  of(loaded: LoadedDefinition, key: string): T[] {
    let ofDefinition = this.lists.get(loaded);
    if (ofDefinition === undefined) {
      this.lists.set(loaded, (ofDefinition = new Map()));
    }
    let list = ofDefinition.get(key);
    if (list === undefined) ofDefinition.set(key, (list = []));
    return list;
  }
}

/** For queries and mutations: of an action, something may go on after its end. */
export class FreshInstances implements Instances {
  private readonly free = new Free<{ library: Library; host: HostOfTheDay }>();

  take(
    loaded: LoadedDefinition,
    path: string,
    component: string,
    host: CallHost,
  ): Instance {
    if (host.io !== null) {
      return {
        exports: loaded.instantiate(path, new Environment(host)),
        giveBack: () => {},
      };
    }
    const free = this.free.of(loaded, component);
    let shared = free.pop();
    if (shared === undefined) {
      const outside = new HostOfTheDay(host);
      const library = new Library(new Environment(outside));
      shared = { library, host: outside };
    } else {
      shared.host.become(host);
      shared.library.environment.renew();
    }
    const taken = shared;
    const { library } = taken;
    const environment = new Environment(host, library.environment);
    library.lend(environment.scope("isolate"));
    return {
      exports: loaded.instantiate(path, environment, library),
      giveBack: () => free.push(taken),
    };
  }
}

export class ReusedInstances implements Instances {
  private static readonly ofLoaders = new WeakMap<
    ModuleLoader,
    ReusedInstances
  >();

  /** Runtimes that share their compiled modules share what was made of them. */
  static of(modules: ModuleLoader): ReusedInstances {
    let instances = ReusedInstances.ofLoaders.get(modules);
    if (instances === undefined) {
      instances = new ReusedInstances();
      ReusedInstances.ofLoaders.set(modules, instances);
    }
    return instances;
  }

  private readonly free = new Free<{
    exports: Record<string, unknown>;
    host: HostOfTheDay;
  }>();

  take(
    loaded: LoadedDefinition,
    path: string,
    component: string,
    host: CallHost,
  ): Instance {
    const key = `${component}|${path}|${host.io === null}`;
    const free = this.free.of(loaded, key);
    let instance = free.pop();
    if (instance === undefined) {
      const outside = new HostOfTheDay(host);
      instance = {
        exports: loaded.instantiate(path, new Environment(outside)),
        host: outside,
      };
    } else {
      instance.host.become(host);
    }
    const taken = instance;
    return { exports: taken.exports, giveBack: () => free.push(taken) };
  }
}

/**
 * Hands everything on to the call that has the modules now. What is left of an
 * earlier one (a promise of the platform that nobody awaited) can do nothing.
 */
class HostOfTheDay implements CallHost {
  readonly random: CallHost["random"] = {
    next: () => this.current.random.next(),
    bytes: (length) => this.current.random.bytes(length),
  };
  readonly io: CallHost["io"];
  private call = currentCall();

  constructor(private current: CallHost) {
    this.io =
      current.io === null
        ? null
        : {
            fetch: (input, init) => this.current.io!.fetch(input, init),
            timers: {
              start: (...timer) => this.current.io!.timers.start(...timer),
              stop: (id) => this.current.io!.timers.stop(id),
            },
          };
  }

  become(current: CallHost): void {
    this.current = current;
    this.call = currentCall();
  }

  get env(): Record<string, string> {
    return this.current.env;
  }

  now(): number {
    return this.current.now();
  }

  syscall(op: string, args: string): string {
    if (this.isOver) throw new Error("This function has ended.");
    return this.current.syscall(op, args);
  }

  asyncSyscall(op: string, args: string): Promise<string> {
    if (this.isOver) return new Promise(() => {});
    return this.current.asyncSyscall(op, args);
  }

  private get isOver(): boolean {
    return currentCall() !== this.call;
  }

  jsSyscall(op: string, args: Record<string, unknown>): unknown {
    return this.current.jsSyscall(op, args);
  }

  log(...line: Parameters<CallHost["log"]>): void {
    this.current.log(...line);
  }

  track<T>(operation: Promise<T>): Promise<T> {
    return this.current.track(operation);
  }
}
