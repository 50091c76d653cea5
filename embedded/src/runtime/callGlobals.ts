/**
 * The global objects that each call has for itself, because they are Convex's or depend
 * on the call: its clock, randomness, log, network and timers.
 */
import type { CallHost } from "./callHost.js";
import { notInTransactions } from "./errors.js";
import { createTimers } from "./timers.js";

export function createConvex(host: CallHost): object {
  return {
    syscall: (op: string, args: string) => host.syscall(op, args),
    asyncSyscall: (op: string, args: string) => host.asyncSyscall(op, args),
    jsSyscall: (op: string, args: Record<string, unknown>) =>
      host.jsSyscall(op, args),
  };
}

/**
 * Date with the call's clock, made as Convex makes it: what it constructs is a plain
 * Date, also for a subclass. Its prototype is the call's own, so that code that
 * replaces `Date.prototype.constructor` does so for the call alone.
 */
export function createDate(host: CallHost): DateConstructor {
  const now = () => Math.floor(host.now());
  function ConvexDate(...args: unknown[]): unknown {
    if (new.target === undefined) return new Date(now()).toString();
    return Reflect.construct(
      Date,
      args.length === 0 ? [now()] : args,
      ConvexDate,
    ) as Date;
  }
  ConvexDate.prototype = Object.create(Date.prototype) as Date;
  ConvexDate.prototype.constructor = ConvexDate as unknown as DateConstructor;
  ConvexDate.now = now;
  ConvexDate.parse = Date.parse;
  ConvexDate.UTC = Date.UTC;
  return Object.defineProperties(
    ConvexDate,
    TRAITS_OF_DATE,
  ) as unknown as DateConstructor;
}

const isInstance = Function.prototype[Symbol.hasInstance];
const TRAITS_OF_DATE: PropertyDescriptorMap = {
  name: { value: "Date" },
  // Dates that the platform makes (structuredClone) have this process's prototype.
  [Symbol.hasInstance]: {
    value(this: object, value: unknown): boolean {
      return Object.hasOwn(this, Symbol.hasInstance)
        ? value instanceof Date
        : isInstance.call(this as () => void, value);
    },
  },
};

export function createMath(host: CallHost): Math {
  return Object.create(Math, {
    random: {
      value: () => host.random.next(),
      writable: true,
      configurable: true,
    },
  }) as Math;
}

export function createCrypto(host: CallHost): object {
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

export function createPerformance(host: CallHost): object {
  const start = host.now();
  return { now: () => host.now() - start, timeOrigin: start };
}

export function createFetch(host: CallHost): typeof fetch {
  const { io } = host;
  if (io === null) {
    return () => Promise.reject(notInTransactions("fetch()"));
  }
  return (input, init) => io.fetch(input, init);
}

/** `AbortSignal.timeout` must follow the call's clock like every other timer. */
export function createAbortSignal(host: CallHost): typeof AbortSignal {
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
export class StrongRef<T extends object> {
  readonly #target: T;
  constructor(target: T) {
    this.#target = target;
  }
  deref(): T {
    return this.#target;
  }
}

export class NoFinalization {
  register(): void {}
  unregister(): void {}
}
