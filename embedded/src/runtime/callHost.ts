/** The outside of one function call, as the globals of its code reach it. */
import type { TimerStarter } from "./timers.js";

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
