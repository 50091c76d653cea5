/**
 * What code of a function can see of the world. Modules run in this process's
 * own realm, so that web objects (Request, Uint8Array, Promise …) are the real
 * ones everywhere; what differs from call to call (time, randomness, env,
 * console, permission to fetch, the `Convex` object) is handed to the module's
 * code as parameters, and what Convex does not have (require, Buffer, process
 * beyond `process.env` …) is shadowed by parameters that stay undefined. It keeps
 * code honest about where it runs; it is no security boundary.
 */
import { createConsole } from "./console.js";
import { notInTransactions } from "./errors.js";
import { Globals, positionsOf } from "./globals.js";
import { createNodeTimers, createTimers, type TimerStarter } from "./timers.js";

/** The outside of one function call. */
export interface CallHost {
  env: Record<string, string>;
  /** Milliseconds since the epoch: frozen in queries and mutations. */
  now(): number;
  random: { next(): number; bytes(length: number): Uint8Array };
  syscall(op: string, args: string): string;
  asyncSyscall(op: string, args: string): Promise<string>;
  jsSyscall(op: string, args: Record<string, unknown>): unknown;
  log(level: LogLevel, message: string): void;
  /** Fetch and timers, or null where they are refused. */
  io: { fetch: typeof fetch; timers: TimerStarter } | null;
  /** Called with work of the platform that goes on outside of syscalls (crypto.subtle). */
  track<T>(operation: Promise<T>): Promise<T>;
}

export type LogLevel = "DEBUG" | "LOG" | "INFO" | "WARN" | "ERROR";

/**
 * Values for the parameters of compiled modules; built when first asked for.
 * Code may set or delete a global through `globalThis`: then what is called so in
 * every module is that.
 */
export class Environment {
  private isolate: Globals | null = null;
  private node: Globals | null = null;
  private readonly env: Record<string, string>;

  constructor(private readonly host: CallHost) {
    this.env = { ...host.env };
  }

  /** For another call: the variables and the globals are as nobody has changed them. */
  renew(): void {
    for (const name of Object.keys(this.env)) delete this.env[name];
    Object.assign(this.env, this.host.env);
    this.isolate?.restore();
  }

  globals(kind: "isolate" | "node"): Globals {
    return kind === "node"
      ? (this.node ??= nodeGlobals(this.host, this.env))
      : (this.isolate ??= isolateGlobals(this.host, this.env));
  }
}

const INJECTED = [
  "globalThis",
  "self",
  "Convex",
  "console",
  "process",
  "Date",
  "Math",
  "crypto",
  "performance",
  "fetch",
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "AbortSignal",
  "WeakRef",
  "FinalizationRegistry",
] as const;
type Injected = (typeof INJECTED)[number];

/** Of Node's globals beyond ECMAScript, those that Convex's runtime has too. */
const WEB_GLOBALS = new Set([
  "AbortController",
  "AbortSignal",
  "Blob",
  "ByteLengthQueuingStrategy",
  "CompressionStream",
  "CountQueuingStrategy",
  "Crypto",
  "CryptoKey",
  "CustomEvent",
  "DOMException",
  "DecompressionStream",
  "Event",
  "EventTarget",
  "File",
  "FormData",
  "Headers",
  "ReadableByteStreamController",
  "ReadableStream",
  "ReadableStreamBYOBReader",
  "ReadableStreamBYOBRequest",
  "ReadableStreamDefaultController",
  "ReadableStreamDefaultReader",
  "Request",
  "Response",
  "SubtleCrypto",
  "TextDecoder",
  "TextDecoderStream",
  "TextEncoder",
  "TextEncoderStream",
  "TransformStream",
  "TransformStreamDefaultController",
  "URL",
  "URLSearchParams",
  "WritableStream",
  "WritableStreamDefaultController",
  "WritableStreamDefaultWriter",
  "atob",
  "btoa",
  "queueMicrotask",
  "structuredClone",
]);

/** The language's own globals, as an empty realm has them. */
const LANGUAGE_GLOBALS = new Set([
  "AggregateError", "Array", "ArrayBuffer", "AsyncDisposableStack", "Atomics",
  "BigInt", "BigInt64Array", "BigUint64Array", "Boolean", "DataView", "Date",
  "DisposableStack", "Error", "EvalError", "FinalizationRegistry",
  "Float16Array", "Float32Array", "Float64Array", "Function", "Infinity",
  "Int16Array", "Int32Array", "Int8Array", "Intl", "Iterator", "JSON", "Map",
  "Math", "NaN", "Number", "Object", "Promise", "Proxy", "RangeError",
  "ReferenceError", "Reflect", "RegExp", "Set", "SharedArrayBuffer", "String",
  "SuppressedError", "Symbol", "SyntaxError", "TypeError", "URIError",
  "Uint16Array", "Uint32Array", "Uint8Array", "Uint8ClampedArray", "WeakMap",
  "WeakRef", "WeakSet", "WebAssembly", "decodeURI", "decodeURIComponent",
  "encodeURI", "encodeURIComponent", "escape", "eval", "globalThis", "isFinite",
  "isNaN", "parseFloat", "parseInt", "undefined", "unescape",
]); // prettier-ignore

function isVisible(name: string): boolean {
  return WEB_GLOBALS.has(name) || LANGUAGE_GLOBALS.has(name);
}

function isInjected(name: string): boolean {
  return (INJECTED as readonly string[]).includes(name);
}

/** Node's own globals that must look undefined. "window" so that convex knows it is not in a browser. */
const SHADOWED = [
  ...new Set([
    ...Object.getOwnPropertyNames(globalThis),
    "global",
    "Buffer",
    "setImmediate",
    "clearImmediate",
    "window",
    "document",
  ]),
].filter(
  (name) =>
    /^[A-Za-z_$][\w$]*$/.test(name) && !isVisible(name) && !isInjected(name),
);

export const ISOLATE_PARAMETERS: string[] = [...INJECTED, ...SHADOWED];
const ISOLATE_POSITIONS = positionsOf(ISOLATE_PARAMETERS);

/** What every isolate's globalThis inherits. */
const SHARED_GLOBAL: object = Object.defineProperties(
  Object.create(null) as object,
  Object.fromEntries(
    Object.getOwnPropertyNames(globalThis)
      // What is injected is each call's own, also when it has been deleted.
      .filter((name) => isVisible(name) && !isInjected(name))
      .map((name) => [
        name,
        {
          value: Reflect.get(globalThis, name) as unknown,
          writable: true,
          configurable: true,
        },
      ]),
  ),
);

function isolateGlobals(host: CallHost, env: Record<string, string>): Globals {
  const globals = new Globals(
    Object.create(SHARED_GLOBAL) as object,
    ISOLATE_POSITIONS,
  );
  const global = globals.object;
  const values: Record<Injected, unknown> = {
    globalThis: global,
    self: global,
    Convex: createConvex(host),
    console: createConsole(host),
    process: { env },
    Date: createDate(host),
    Math: createMath(host),
    crypto: createCrypto(host),
    performance: createPerformance(host),
    fetch: createFetch(host),
    ...createTimers(host.io?.timers ?? null),
    AbortSignal: createAbortSignal(host),
    WeakRef: StrongRef,
    FinalizationRegistry: NoFinalization,
  };
  return globals.fill(values);
}

const NODE_INJECTED = [
  "globalThis",
  "global",
  "Convex",
  "console",
  "process",
  "Date",
  "Math",
  "crypto",
  "fetch",
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "AbortSignal",
  "window",
] as const;
export const NODE_PARAMETERS: string[] = [...NODE_INJECTED];
const NODE_POSITIONS = positionsOf(NODE_PARAMETERS);

function nodeGlobals(host: CallHost, env: Record<string, string>): Globals {
  const globals = new Globals(
    Object.create(globalThis) as object,
    NODE_POSITIONS,
  );
  const global = globals.object;
  const values: Record<(typeof NODE_INJECTED)[number], unknown> = {
    globalThis: global,
    global,
    Convex: createConvex(host),
    console: createConsole(host),
    process: Object.create(process, {
      env: { value: env, writable: true, enumerable: true },
    }),
    Date: createDate(host),
    Math: createMath(host),
    crypto: createCrypto(host),
    fetch: createFetch(host),
    ...createNodeTimers(host.io?.timers ?? null),
    AbortSignal: createAbortSignal(host),
    window: undefined,
  };
  return globals.fill(values);
}

function createConvex(host: CallHost): object {
  return {
    syscall: (op: string, args: string) => host.syscall(op, args),
    asyncSyscall: (op: string, args: string) => host.asyncSyscall(op, args),
    jsSyscall: (op: string, args: Record<string, unknown>) =>
      host.jsSyscall(op, args),
  };
}

/** Date with the call's clock. It shares Date's prototype, so `instanceof` works both ways. */
function createDate(host: CallHost): DateConstructor {
  const now = () => Math.floor(host.now());
  function ConvexDate(...args: unknown[]): unknown {
    if (new.target === undefined) return new Date(now()).toString();
    return Reflect.construct(
      Date,
      args.length === 0 ? [now()] : args,
      new.target,
    ) as Date;
  }
  ConvexDate.prototype = Date.prototype;
  ConvexDate.now = now;
  ConvexDate.parse = Date.parse;
  ConvexDate.UTC = Date.UTC;
  Object.defineProperty(ConvexDate, "name", { value: "Date" });
  return ConvexDate as unknown as DateConstructor;
}

function createMath(host: CallHost): Math {
  return Object.create(Math, {
    random: {
      value: () => host.random.next(),
      writable: true,
      configurable: true,
    },
  }) as Math;
}

function createCrypto(host: CallHost): object {
  return {
    getRandomValues<T extends ArrayBufferView>(array: T): T {
      const view = new Uint8Array(
        array.buffer,
        array.byteOffset,
        array.byteLength,
      );
      if (view.length > 65_536) {
        throw new DOMException(
          `The requested length exceeds 65,536 bytes (${view.length})`,
          "QuotaExceededError",
        );
      }
      view.set(host.random.bytes(view.length));
      return array;
    },
    randomUUID(): string {
      const bytes = host.random.bytes(16);
      bytes[6] = (bytes[6]! & 0x0f) | 0x40;
      bytes[8] = (bytes[8]! & 0x3f) | 0x80;
      const hex = [...bytes]
        .map((b) => b.toString(16).padStart(2, "0"))
        .join("");
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
    subtle: new Proxy(crypto.subtle, {
      get(target, property) {
        const method: unknown = Reflect.get(target, property, target);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) =>
          host.track(Reflect.apply(method, target, args) as Promise<unknown>);
      },
    }),
  };
}

function createPerformance(host: CallHost): object {
  const start = host.now();
  return { now: () => host.now() - start, timeOrigin: start };
}

function createFetch(host: CallHost): typeof fetch {
  const { io } = host;
  if (io === null) {
    return () => Promise.reject(notInTransactions("fetch()"));
  }
  return (input, init) => io.fetch(input, init);
}

/** `AbortSignal.timeout` must follow the call's clock like every other timer. */
function createAbortSignal(host: CallHost): typeof AbortSignal {
  const timers = createTimers(host.io?.timers ?? null);
  const timeout = (ms: number): AbortSignal => {
    const controller = new AbortController();
    timers.setTimeout(() => {
      controller.abort(
        new DOMException(
          "The operation was aborted due to timeout",
          "TimeoutError",
        ),
      );
    }, ms);
    return controller.signal;
  };
  return new Proxy(AbortSignal, {
    get: (target, property, receiver) =>
      property === "timeout"
        ? timeout
        : (Reflect.get(target, property, receiver) as unknown),
  });
}

/** When the garbage collector runs must not decide what a function computes. */
class StrongRef<T extends object> {
  readonly #target: T;
  constructor(target: T) {
    this.#target = target;
  }
  deref(): T {
    return this.#target;
  }
}

class NoFinalization {
  register(): void {}
  unregister(): void {}
}
