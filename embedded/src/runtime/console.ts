/** `console` of a function: each call becomes one log line of the function. */
import { inspect } from "node:util";
import type { CallHost, LogLevel } from "./callHost.js";

/** A line may not be longer than this; the rest is cut off. */
const MAX_LINE_LENGTH = 32_768;

export function createConsole(host: CallHost): Record<string, unknown> {
  const timers = new Map<string, number>();
  const log =
    (level: LogLevel) =>
    (...args: unknown[]) =>
      host.log(level, formatArguments(args));
  const elapsed = (label: unknown, args: unknown[]): void => {
    const name = String(label ?? "default");
    const start = timers.get(name);
    if (start === undefined) {
      host.log("WARN", `Timer '${name}' does not exist`);
      return;
    }
    const rest = args.length === 0 ? "" : ` ${formatArguments(args)}`;
    host.log("INFO", `${name}: ${host.now() - start}ms${rest}`);
  };
  return {
    debug: log("DEBUG"),
    log: log("LOG"),
    info: log("INFO"),
    warn: log("WARN"),
    error: log("ERROR"),
    trace: log("LOG"),
    time: (label?: unknown) => {
      timers.set(String(label ?? "default"), host.now());
    },
    timeLog: (label?: unknown, ...args: unknown[]) => elapsed(label, args),
    timeEnd: (label?: unknown) => {
      elapsed(label, []);
      timers.delete(String(label ?? "default"));
    },
  };
}

/** Strings are quoted and objects spread over lines, as on Convex. */
function formatArguments(args: unknown[]): string {
  const line = args
    .map((arg) => inspect(arg, { depth: 6, maxStringLength: MAX_LINE_LENGTH }))
    .join(" ");
  return line.length > MAX_LINE_LENGTH
    ? `${line.slice(0, MAX_LINE_LENGTH)} (truncated due to length)`
    : line;
}
