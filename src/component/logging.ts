/**
 * Log levels, a logger that honours them, and the events other tools read.
 * Events are JSON lines; their names and fields are an interface that users'
 * log queries depend on.
 */
import { type Infer, v } from "convex/values";

/** From the most to the least talkative. A level includes all that follow it. */
export const logLevel = v.union(
  v.literal("DEBUG"),
  v.literal("TRACE"),
  v.literal("INFO"),
  v.literal("REPORT"),
  v.literal("WARN"),
  v.literal("ERROR"),
);
export type LogLevel = Infer<typeof logLevel>;

export const LOG_LEVELS: readonly LogLevel[] = logLevel.members.map(
  (member) => member.value,
);

/** Warnings, errors and a periodic report. */
export const DEFAULT_LOG_LEVEL: LogLevel = "REPORT";

export type Logger = {
  debug: (...args: unknown[]) => void;
  info: (...args: unknown[]) => void;
  warn: (...args: unknown[]) => void;
  error: (...args: unknown[]) => void;
  time: (label: string) => void;
  timeEnd: (label: string) => void;
  event: (event: string, payload: Record<string, unknown>) => void;
  /**
   * For what may come once per work, call or try: as many lines as there is room for
   * in one run of a function. See {@link LineBudget}.
   */
  each: (severity: "warn" | "error", message: string) => void;
  /** At the end of the run: says how many lines were left out, if any were. */
  end: () => void;
};

export function isLogLevel(value: unknown): value is LogLevel {
  return LOG_LEVELS.includes(value as LogLevel);
}

/** Whether a message of `level` is written when the configured level is `config`. */
export function shouldLog(config: LogLevel, level: LogLevel): boolean {
  return LOG_LEVELS.indexOf(config) <= LOG_LEVELS.indexOf(level);
}

/**
 * How many lines about single works one run of a function may print. Convex keeps 256
 * lines of a run and drops what comes after: without bounds, a hundred failures would
 * hide what the pool has to say about itself.
 */
export class LineBudget {
  private readonly left: Lines;
  private readonly omitted: Lines = { events: 0, problems: 0 };

  constructor(most: Lines = MOST_LINES) {
    this.left = { ...most };
  }

  spend(kind: keyof Lines): boolean {
    if (this.left[kind] === 0) {
      this.omitted[kind] += 1;
      return false;
    }
    this.left[kind] -= 1;
    return true;
  }

  /** Since this was last asked. Null: none. */
  takeOmitted(): Lines | null {
    const { events, problems } = this.omitted;
    this.omitted.events = this.omitted.problems = 0;
    return events + problems > 0 ? { events, problems } : null;
  }
}

/** Events of single works; warnings and errors about single works, calls and tries. */
type Lines = { events: number; problems: number };

/** Leaves two dozen lines to everything else. */
export const MOST_LINES: Lines = { events: 150, problems: 80 };
/** A report and the turn of the loop within it are one run, and log by two loggers. */
export const SHARED_RUN: Lines = { events: 64, problems: 80 };

export function createLogger(
  level: LogLevel = DEFAULT_LOG_LEVEL,
  budget = new LineBudget(),
): Logger {
  if (!isLogLevel(level)) {
    throw new Error(
      `Invalid log level: ${String(level)}. It must be one of ${LOG_LEVELS.join(", ")}.`,
    );
  }
  const at = <Args extends unknown[]>(
    threshold: LogLevel,
    write: (...args: Args) => void,
  ): ((...args: Args) => void) =>
    shouldLog(level, threshold) ? write : () => {};
  return {
    debug: at("DEBUG", (...args: unknown[]) => console.debug(...args)),
    info: at("INFO", (...args: unknown[]) => console.info(...args)),
    warn: at("WARN", (...args: unknown[]) => console.warn(...args)),
    error: at("ERROR", (...args: unknown[]) => console.error(...args)),
    time: at("TRACE", (label: string) => console.time(label)),
    timeEnd: at("TRACE", (label: string) => console.timeEnd(label)),
    event: (event, payload) => {
      const isReport = event === "report";
      if (!shouldLog(level, isReport ? "REPORT" : "INFO")) return;
      if (!isReport && !budget.spend("events")) return;
      console.info(
        JSON.stringify({ component: "workpool", event, ...payload }),
      );
    },
    each: (severity, message) => {
      if (!shouldLog(level, severity === "warn" ? "WARN" : "ERROR")) return;
      if (budget.spend("problems")) console[severity](message);
    },
    end: () => {
      const omitted = budget.takeOmitted();
      if (omitted === null) return;
      const { events, problems } = omitted;
      // No level hides it that shows some of what it stands for.
      console[problems > 0 ? "warn" : "info"](
        JSON.stringify({
          component: "workpool",
          event: "omitted",
          message: `${events} events and ${problems} warnings and errors of this run about single works were not printed: Convex keeps 256 lines per run`,
          ...omitted,
        }),
      );
    },
  };
}

/** A work was accepted. */
export function recordEnqueued(
  console: Logger,
  data: { workId: string; fnName: string; runAt: number; enqueuedAt: number },
): void {
  console.event("enqueued", data);
}

/** An attempt begins. `startLag` is how long after its due time it does, in milliseconds. */
export function recordStarted(
  console: Logger,
  data: {
    workId: string;
    fnName: string;
    enqueuedAt: number;
    scheduledFunctionId: string | undefined;
    startedAt: number;
    startLag: number;
  },
): void {
  console.event("started", data);
}

export type CompletedStatus = "success" | "failed" | "canceled" | "retrying";

/** An attempt ended, and with it the work unless `status` is "retrying". */
export function recordCompleted(
  console: Logger,
  data: {
    workId: string;
    fnName: string;
    completedAt: number;
    /** Set when the callback did not run in the outcome's own transaction. */
    onCompleteScheduledFunctionId: string | undefined;
    /** Attempts that have ended. */
    attempts: number;
    status: CompletedStatus;
  },
): void {
  console.event("completed", data);
}

/** What happened since the last report, and what is there now. */
export function recordReport(
  console: Logger,
  data: {
    /** Attempts that ended, retried ones included. */
    completed: number;
    succeeded: number;
    failed: number;
    retries: number;
    canceled: number;
    running: number;
    backlog: number;
    /** Not all that waits was counted. */
    backlogIsAtLeast?: true;
  },
): void {
  console.event("report", { ...data, ...failureRates(data) });
}

/**
 * What the pool does by itself when something is wrong. Logged as a warning or an
 * error, with a sentence, at every level that shows these; `health` tells the same.
 *
 * | event             | what happened                                                        |
 * | ----------------- | -------------------------------------------------------------------- |
 * | `executorLost`    | an executor died or vanished; what it had goes on by policy          |
 * | `quarantine`      | works that may have exhausted its memory run apart from others       |
 * | `recoverySmaller` | a part of a recovery failed, and is tried with fewer works           |
 * | `recoveryGaveUp`  | a work whose recovery failed again and again ends as failed          |
 * | `takeover`        | the loop gave no sign of life, or was kicked: a new generation began |
 * | `runaway`         | the loop went round without moving anything, and is slowed down      |
 * | `lacking`         | the platform lacks what the pool can do without                      |
 * | `unknownError`    | the platform ended a call with a text that the pool does not know    |
 * | `halved`          | the platform refused calls: a worker runs half as many at a time     |
 * | `halvingOver`     | it runs as many as before again                                      |
 * | `disagreement`    | two `Workpool` objects declare different options for one pool        |
 * | `expired`         | works that had not begun by their time ended as failed               |
 * | `frozen`          | attempts that sent no heartbeat in time count as timed out           |
 * | `noticeGivenUp`   | `onFailed` has thrown for half an hour, and is not tried again       |
 *
 * A run that leaves out lines about single works says so at its end, with the event `omitted`.
 */
export type Incident =
  | "executorLost"
  | "quarantine"
  | "recoverySmaller"
  | "recoveryGaveUp"
  | "takeover"
  | "runaway"
  | "lacking"
  | "unknownError"
  | "halved"
  | "halvingOver"
  | "disagreement"
  | "expired"
  | "frozen"
  | "noticeGivenUp";

export function recordIncident(
  console: Logger,
  severity: "warn" | "error",
  event: Incident,
  message: string,
  data: Record<string, unknown> = {},
): void {
  console[severity](
    JSON.stringify({ component: "workpool", event, message, ...data }),
  );
}

/** The loop goes round without moving anything: it is slowed down, and a bug. */
export function recordRunaway(
  console: Logger,
  { count, since }: { count: number; since: number },
): void {
  recordIncident(
    console,
    "error",
    "runaway",
    `${count} ticks without progress since ${new Date(since).toISOString()}: slowing down to one per second`,
    { count, since },
  );
}

/** The platform lacks what the pool can do without: some of it works less well. */
export function recordLacking(console: Logger, lacks: readonly string[]): void {
  recordIncident(
    console,
    "warn",
    "lacking",
    `This platform lacks ${lacks.join(", ")}: see the requirements in the README of convex-workpool`,
    { lacks },
  );
}

/** `failureRate` counts every failed attempt, `permanentFailureRate` only works that failed for good. */
export function failureRates({
  completed,
  failed,
  retries,
}: {
  completed: number;
  failed: number;
  retries: number;
}): { failureRate: number; permanentFailureRate: number } {
  const ended = completed - retries;
  return {
    failureRate: round(completed ? (failed + retries) / completed : 0),
    permanentFailureRate: round(ended ? failed / ended : 0),
  };
}

function round(rate: number): number {
  return Number(rate.toFixed(4));
}
