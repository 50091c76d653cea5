/**
 * What code of a function can see of the world. Modules run in this process's
 * own realm, so that web objects (Request, Uint8Array, Promise …) are the real
 * ones everywhere, but look globals up in an object of their call (`globals.ts`):
 * what differs from call to call (time, randomness, env, console, permission to
 * fetch, the `Convex` object) is the call's own there, and what Convex does not
 * have (Buffer, process beyond `process.env` …) is missing. It keeps code honest
 * about where it runs; it is no security boundary.
 */
import type { CallHost } from "./callHost.js";
import {
  createAbortSignal,
  createConvex,
  createCrypto,
  createDate,
  createFetch,
  createMath,
  createPerformance,
  NoFinalization,
  StrongRef,
} from "./callGlobals.js";
import { createConsole } from "./console.js";
import { globalThisOf } from "./globals.js";
import { ISOLATE_GLOBALS, NODE_GLOBALS } from "./sharedNames.js";
import { createNodeTimers, createTimers } from "./timers.js";

/** The globals of one call; made when the first module asks for them. */
export class Environment {
  private isolate: object | null = null;
  private node: object | null = null;
  private readonly env: Record<string, string>;
  private readonly convex: object;

  /** With `library`, `Convex` and the variables are those of the library's modules. */
  constructor(
    private readonly host: CallHost,
    library?: Environment,
  ) {
    this.env = library?.env ?? { ...host.env };
    this.convex = library?.convex ?? createConvex(host);
  }

  /** For another call: the variables are as nobody has changed them. */
  renew(): void {
    for (const name of Object.keys(this.env)) delete this.env[name];
    Object.assign(this.env, this.host.env);
  }

  /** Where modules look their free names up. */
  scope(kind: "isolate" | "node"): object {
    return kind === "node"
      ? (this.node ??= this.createNode())
      : (this.isolate ??= this.createIsolate());
  }

  private createIsolate(): object {
    const { host } = this;
    const crypto = createCrypto(host);
    const { setTimeout, clearTimeout, setInterval, clearInterval } =
      createTimers(host.io?.timers ?? null);
    const scope: Record<string, unknown> = {
      // The prototype.
      __proto__: ISOLATE_GLOBALS,
      globalThis: undefined,
      self: undefined,
      Convex: this.convex,
      console: createConsole(host),
      process: { env: this.env },
      Date: createDate(host),
      Math: createMath(host),
      get crypto() {
        return crypto;
      },
      performance: createPerformance(host),
      fetch: createFetch(host),
      setTimeout,
      clearTimeout,
      setInterval,
      clearInterval,
      AbortSignal: createAbortSignal(host),
      WeakRef: StrongRef,
      FinalizationRegistry: NoFinalization,
    };
    scope.globalThis = scope.self = globalThisOf(scope);
    return scope;
  }

  private createNode(): object {
    const { host } = this;
    const scope: Record<string, unknown> = {
      // The prototype.
      __proto__: NODE_GLOBALS,
      globalThis: undefined,
      global: undefined,
      Convex: this.convex,
      console: createConsole(host),
      process: Object.create(process, {
        env: { value: this.env, writable: true, enumerable: true },
      }),
      Date: createDate(host),
      Math: createMath(host),
      crypto: createCrypto(host),
      fetch: createFetch(host),
      ...createNodeTimers(host.io?.timers ?? null),
      AbortSignal: createAbortSignal(host),
    };
    scope.globalThis = scope.global = globalThisOf(scope);
    return scope;
  }
}
