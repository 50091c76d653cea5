/** setTimeout and its relatives on the deployment's clock, for one action. */
import type { Clock, Timer } from "../seams.js";
import { notInTransactions } from "./errors.js";

type Handler = (...args: unknown[]) => void;

/** What an action's code can do with timers. */
export type TimerStarter = Pick<TimerHost, "start" | "stop">;

/** Remembers the timers of an action, so that none outlives it. */
export class TimerHost {
  private readonly timers = new Map<number, Timer>();
  private nextId = 1;
  private closed = false;

  constructor(
    private readonly clock: Clock,
    /** Runs a handler as code of the action. */
    private readonly enter: (handler: () => void) => void,
  ) {}

  start(
    handler: Handler,
    ms: number,
    args: unknown[],
    repeat: boolean,
  ): number {
    const id = this.nextId++;
    const arm = () => {
      if (this.closed) return;
      const timer = this.clock.schedule(Math.max(0, ms), () => {
        if (!this.timers.has(id)) return;
        if (!repeat) this.timers.delete(id);
        this.enter(() => handler(...args));
        if (repeat && this.timers.has(id)) arm();
      });
      this.timers.set(id, timer);
    };
    arm();
    return id;
  }

  stop(id: number): void {
    this.timers.get(id)?.cancel();
    this.timers.delete(id);
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers.values()) timer.cancel();
    this.timers.clear();
  }
}

export interface TimerFunctions {
  setTimeout(handler: Handler, ms?: number, ...args: unknown[]): number;
  setInterval(handler: Handler, ms?: number, ...args: unknown[]): number;
  clearTimeout(id?: number): void;
  clearInterval(id?: number): void;
}

/** Null: queries and mutations, which have no timers. */
export function createTimers(host: TimerStarter | null): TimerFunctions {
  const start = (name: string, repeat: boolean) => {
    return (handler: Handler, ms?: number, ...args: unknown[]) => {
      if (host === null) throw notInTransactions(name);
      if (typeof handler !== "function") {
        throw new TypeError(
          `${name} needs a function, but received ${typeof handler}`,
        );
      }
      return host.start(handler, Number(ms) || 0, args, repeat);
    };
  };
  const stop = (id?: number) => {
    if (host !== null && id !== undefined) host.stop(id);
  };
  return {
    setTimeout: start("setTimeout", false),
    setInterval: start("setInterval", true),
    clearTimeout: stop,
    clearInterval: stop,
  };
}

/** What Node's setTimeout returns, as far as libraries use it. */
class NodeTimeout {
  constructor(
    private readonly functions: TimerFunctions,
    readonly id: number,
  ) {}
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
  close(): this {
    this.functions.clearTimeout(this.id);
    return this;
  }
  [Symbol.toPrimitive](): number {
    return this.id;
  }
}

/** The same for "use node" modules: timers are objects there. */
export function createNodeTimers(
  host: TimerStarter | null,
): Record<keyof TimerFunctions, unknown> {
  const functions = createTimers(host);
  const start =
    (name: "setTimeout" | "setInterval") =>
    (handler: Handler, ms?: number, ...args: unknown[]) =>
      new NodeTimeout(functions, functions[name](handler, ms, ...args));
  const stop = (timer?: NodeTimeout | number) =>
    functions.clearTimeout(timer instanceof NodeTimeout ? timer.id : timer);
  return {
    setTimeout: start("setTimeout"),
    setInterval: start("setInterval"),
    clearTimeout: stop,
    clearInterval: stop,
  };
}
