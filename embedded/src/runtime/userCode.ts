/**
 * The border between the deployment and functions' code: where it is entered,
 * how long it may keep the processor, and whose an unhandled rejection is.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { Session } from "node:inspector";
import type { CallHost } from "./callHost.js";
import { FunctionError } from "./errors.js";

/** A running function. */
export interface UserCall {
  /** What its code reaches. */
  readonly host: CallHost;
  /** Rejections that nobody in it handled. */
  onUnhandledRejection(reason: unknown): void;
}

const running = new AsyncLocalStorage<UserCall>();

/** The function whose code this is, or what follows from it in promises. */
export function currentCall(): UserCall | undefined {
  return running.getStore();
}

function onUnhandledRejection(reason: unknown): void {
  const call = running.getStore();
  if (call !== undefined) {
    call.onUnhandledRejection(reason);
  } else if (process.listenerCount("unhandledRejection") === 1) {
    // Not a function's: with our listener Node would otherwise swallow it.
    throw reason;
  }
}

let users = 0;

/** Listens for unhandled rejections for as long as some runtime of this process runs. */
export function watchRejections(): () => void {
  if (users++ === 0) process.on("unhandledRejection", onUnhandledRejection);
  let stopped = false;
  return () => {
    if (stopped) return;
    stopped = true;
    if (--users === 0) process.off("unhandledRejection", onUnhandledRejection);
  };
}

/**
 * V8 interrupts only code that it was asked to run with a time limit. `node:vm`
 * would start a thread for each such call and wait until it has ended; the
 * inspector has one thread that keeps the time of all.
 */
const ENTRANCE = "convex-workpool.embedded.entrance";
let entering: () => void;
let inspector: Session | null = null;

function connectedInspector(): Session {
  const session = new Session();
  session.connect();
  Reflect.set(globalThis, Symbol.for(ENTRANCE), () => entering());
  return session;
}

function interruptible<T>(limitMs: number, enter: () => T): T {
  let outcome: { value: T } | { error: unknown } | null = null;
  entering = () => {
    try {
      outcome = { value: enter() };
    } catch (error) {
      outcome = { error };
    }
  };
  inspector ??= connectedInspector();
  // It is over when `post` returns.
  inspector.post("Runtime.evaluate", {
    expression: `globalThis[Symbol.for("${ENTRANCE}")]()`,
    timeout: Math.ceil(limitMs * INTERRUPT_FACTOR),
    silent: true,
  });
  const ended = outcome as { value: T } | { error: unknown } | null;
  if (ended === null) throw userTimeout(limitMs);
  if ("error" in ended) throw ended.error;
  return ended.value;
}

export function userTimeout(limitMs: number): FunctionError {
  return new FunctionError(
    `Function execution timed out (maximum duration: ${limitMs / 1000}s)`,
  );
}

/**
 * V8's time limit is one of elapsed time, and on a busy machine a function may
 * get a small share of it: only what takes much longer than it should is cut off.
 */
const INTERRUPT_FACTOR = 5;

/** Runs `enter` as part of `call`. With a limit, its synchronous part is interrupted some time beyond it. */
export function enterUserCode<T>(
  call: UserCall,
  limitMs: number | null,
  enter: () => T,
): T {
  return running.run(call, () =>
    limitMs === null ? enter() : interruptible(limitMs, enter),
  );
}

/** Resolves when all promise reactions that are ready have run. */
export function microtasksDrained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/**
 * Asking for the processor time costs a system call. So little elapsed time is
 * taken for processor time as it is …
 */
const BRIEF_MS = 2;
/** … and the answer of a moment ago will do for where a longer one began. */
const RECENT_MS = 20;
let latest = { at: -Infinity, processorMs: 0 };

function processorTime(at: number): number {
  latest = { at, processorMs: process.cpuUsage().user / 1_000 };
  return latest.processorMs;
}

/**
 * Begins to measure; the result tells how many milliseconds of processor time
 * passed since. Waiting for the processor does not count.
 */
export function measureProcessorTime(): () => number {
  const start = performance.now();
  const before =
    start - latest.at < RECENT_MS ? latest.processorMs : processorTime(start);
  return () => {
    const end = performance.now();
    const elapsed = end - start;
    return elapsed < BRIEF_MS
      ? elapsed
      : Math.min(elapsed, processorTime(end) - before);
  };
}
