import { isLogLevel, LOG_LEVELS, type LogLevel } from "./logging.js";

/** Which environment variable sets the log level that nothing else sets. */
export const LOG_LEVEL_VARIABLE = "WORKPOOL_LOG_LEVEL";

let warnedAbout: string | undefined;

/**
 * The level `WORKPOOL_LOG_LEVEL` asks for. Undefined when it is not set, and
 * when it names no level: a slip in an environment variable must not stop a
 * queue, so it is warned about, once.
 */
export function logLevelFromEnv(): LogLevel | undefined {
  const value = environment()[LOG_LEVEL_VARIABLE];
  if (value === undefined || value === "") {
    return undefined;
  }
  if (isLogLevel(value)) {
    return value;
  }
  if (warnedAbout !== value) {
    warnedAbout = value;
    console.warn(
      `${LOG_LEVEL_VARIABLE} is ignored: it must be one of ${LOG_LEVELS.join(", ")}, not ${JSON.stringify(value)}.`,
    );
  }
  return undefined;
}

/** Not every place this package is imported in has a `process`. */
function environment(): Record<string, string | undefined> {
  const { process } = globalThis as {
    process?: { env?: Record<string, string | undefined> };
  };
  return process?.env ?? {};
}
