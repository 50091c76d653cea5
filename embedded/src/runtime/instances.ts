/**
 * Where a call gets its modules from. Convex evaluates them afresh for every
 * call, nested ones included, and so do we; but that is most of the time a small
 * function takes. A benchmark of code that keeps nothing in module-level
 * variables may let a call have the modules of an earlier one that has ended.
 */
import { Environment, type CallHost } from "./environment.js";
import type { LoadedDefinition, ModuleLoader } from "./moduleLoader.js";

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

export const FRESH: Instances = {
  take: (loaded, path, _component, host) => ({
    exports: loaded.instantiate(path, new Environment(host)),
    giveBack: () => {},
  }),
};

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

  private readonly free = new WeakMap<
    LoadedDefinition,
    Map<string, { exports: Record<string, unknown>; host: HostOfTheDay }[]>
  >();

  take(
    loaded: LoadedDefinition,
    path: string,
    component: string,
    host: CallHost,
  ): Instance {
    let ofDefinition = this.free.get(loaded);
    if (ofDefinition === undefined) {
      this.free.set(loaded, (ofDefinition = new Map()));
    }
    const key = `${component}|${path}|${host.io === null}`;
    let free = ofDefinition.get(key);
    if (free === undefined) ofDefinition.set(key, (free = []));
    let instance = free.pop();
    if (instance === undefined) {
      const outside = new HostOfTheDay(host);
      instance = {
        exports: loaded.instantiate(path, new Environment(outside)),
        host: outside,
      };
    } else {
      instance.host.current = host;
    }
    const taken = instance;
    return { exports: taken.exports, giveBack: () => free.push(taken) };
  }
}

/** Hands everything on to the call that has the modules now. */
class HostOfTheDay implements CallHost {
  readonly random: CallHost["random"] = {
    next: () => this.current.random.next(),
    bytes: (length) => this.current.random.bytes(length),
  };
  readonly io: CallHost["io"];

  constructor(public current: CallHost) {
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

  get env(): Record<string, string> {
    return this.current.env;
  }

  now(): number {
    return this.current.now();
  }

  syscall(op: string, args: string): string {
    return this.current.syscall(op, args);
  }

  asyncSyscall(op: string, args: string): Promise<string> {
    return this.current.asyncSyscall(op, args);
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
