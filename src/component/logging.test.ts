import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  createLogger,
  failureRates,
  LineBudget,
  LOG_LEVELS,
  type LogLevel,
  MOST_LINES,
  recordCompleted,
  recordIncident,
  recordReport,
  recordStarted,
  SHARED_RUN,
  shouldLog,
} from "./logging.js";

const METHODS = ["debug", "info", "warn", "error", "time", "timeEnd"] as const;

beforeEach(() => {
  for (const method of METHODS) {
    vi.spyOn(console, method).mockImplementation(() => {});
  }
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** The JSON lines that `write` logs. */
function linesOf(
  level: LogLevel,
  write: (log: ReturnType<typeof createLogger>) => void,
) {
  write(createLogger(level));
  return vi.mocked(console.info).mock.calls.map(([line]) => JSON.parse(line));
}

test.each([
  ["DEBUG", ["debug", "info", "warn", "error", "time", "timeEnd"]],
  ["TRACE", ["info", "warn", "error", "time", "timeEnd"]],
  ["INFO", ["info", "warn", "error"]],
  ["REPORT", ["warn", "error"]],
  ["WARN", ["warn", "error"]],
  ["ERROR", ["error"]],
] as const)("at %s, %j are written", (level, written) => {
  const log = createLogger(level);
  for (const method of METHODS) {
    log[method]("x");
  }
  expect(
    METHODS.filter((method) => vi.mocked(console[method]).mock.calls.length),
  ).toEqual(written);
});

test("a level includes all that follow it", () => {
  expect(LOG_LEVELS.filter((level) => shouldLog("REPORT", level))).toEqual([
    "REPORT",
    "WARN",
    "ERROR",
  ]);
});

test("reports are written at REPORT, other events from INFO on", () => {
  const events = (level: LogLevel) => {
    vi.mocked(console.info).mockClear();
    return linesOf(level, (log) => {
      log.event("report", {});
      log.event("started", {});
    }).map(({ event }) => event);
  };
  expect(events("INFO")).toEqual(["report", "started"]);
  expect(events("REPORT")).toEqual(["report"]);
  expect(events("WARN")).toEqual([]);
});

test("a level that does not exist is refused", () => {
  expect(() => createLogger("LOUD" as LogLevel)).toThrow(
    "Invalid log level: LOUD. It must be one of DEBUG, TRACE, INFO, REPORT, WARN, ERROR.",
  );
});

describe("of what comes once per work, one run prints", () => {
  const ROOM = { events: 2, problems: 3 };
  const written = () =>
    METHODS.flatMap((method) => vi.mocked(console[method]).mock.calls).length;

  test("as many lines as there is room for, and says how many it left out", () => {
    const log = createLogger("INFO", new LineBudget(ROOM));
    for (let count = 0; count < 10; count++) {
      log.event("completed", {});
      log.each(count % 2 ? "warn" : "error", "failed");
    }
    expect(written()).toBe(5);
    log.end();
    expect(written()).toBe(6);
    const [line] = vi.mocked(console.warn).mock.lastCall!;
    expect(JSON.parse(line as string)).toMatchObject({
      component: "workpool",
      event: "omitted",
      events: 8,
      problems: 7,
    });
    log.end();
    expect(written()).toBe(6);
  });

  test("nothing more where all had room", () => {
    const log = createLogger("INFO", new LineBudget(ROOM));
    log.event("completed", {});
    log.each("error", "failed");
    log.end();
    expect(written()).toBe(2);
  });

  test("nothing of what the level hides, which takes no room", () => {
    const log = createLogger("ERROR", new LineBudget(ROOM));
    for (let count = 0; count < 10; count++) {
      log.event("completed", {});
      log.each("warn", "will be retried");
    }
    log.end();
    expect(written()).toBe(0);
    log.each("error", "failed");
    expect(written()).toBe(1);
  });

  test("all about the pool itself", () => {
    const log = createLogger("REPORT", new LineBudget(ROOM));
    for (let count = 0; count < 10; count++) log.each("error", "failed");
    log.event("report", {});
    recordIncident(log, "error", "executorLost", "An executor is lost");
    expect(written()).toBe(5);
  });

  test("together, what Convex keeps of a run", () => {
    const sum = ({ events, problems }: typeof ROOM) => events + problems;
    const SUMMARIES = 2;
    expect(sum(MOST_LINES) + SUMMARIES).toBeLessThan(256 - 20);
    // A report, whose works fail, and the loop's turn in it, which starts others.
    expect(sum(SHARED_RUN) + SHARED_RUN.events + SUMMARIES).toBeLessThan(
      256 - 20,
    );
  });
});

describe("events have the fields that log queries use", () => {
  test("started", () => {
    const data = {
      workId: "w",
      fnName: "a:b",
      enqueuedAt: 1,
      scheduledFunctionId: "s",
      startedAt: 3,
      startLag: 2,
    };
    expect(linesOf("INFO", (log) => recordStarted(log, data))).toEqual([
      { component: "workpool", event: "started", ...data },
    ]);
  });

  test("completed", () => {
    const data = {
      workId: "w",
      fnName: "a:b",
      completedAt: 1,
      onCompleteScheduledFunctionId: "s",
      attempts: 2,
      status: "retrying" as const,
    };
    expect(linesOf("INFO", (log) => recordCompleted(log, data))).toEqual([
      { component: "workpool", event: "completed", ...data },
    ]);
  });

  test("report", () => {
    const data = {
      completed: 10,
      succeeded: 5,
      failed: 2,
      retries: 2,
      canceled: 1,
      running: 3,
      backlog: 4,
    };
    expect(linesOf("REPORT", (log) => recordReport(log, data))).toEqual([
      {
        component: "workpool",
        event: "report",
        ...data,
        failureRate: 0.4,
        permanentFailureRate: 0.25,
      },
    ]);
  });
});

test("failure rates of nothing are 0", () => {
  expect(failureRates({ completed: 0, failed: 0, retries: 0 })).toEqual({
    failureRate: 0,
    permanentFailureRate: 0,
  });
});
