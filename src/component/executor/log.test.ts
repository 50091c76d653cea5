import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  ended,
  failure,
  type HandExecutor,
  job,
  ProtocolTest,
} from "../../testing/protocol.js";
import type { Id } from "../_generated/dataModel.js";
import {
  createLogger,
  LineBudget,
  type LogLevel,
  SHARED_RUN,
} from "../logging.js";
import { ExecutorLog } from "./log.js";
import { applyResults } from "./results.js";
import { MAX_RESULTS } from "./step.js";

const METHODS = ["info", "warn", "error"] as const;

beforeEach(() => {
  for (const method of METHODS) {
    vi.spyOn(console, method).mockImplementation(() => {});
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const lines = (method: (typeof METHODS)[number]) =>
  vi.mocked(console[method]).mock.calls.map(([line]) => String(line));
const clear = () =>
  METHODS.forEach((method) => vi.mocked(console[method]).mockClear());

describe("how attempts ended", () => {
  const retryBehavior = { maxAttempts: 2, initialBackoffMs: 100, base: 2 };

  /** So many actions in flight, half of which may be retried. */
  async function start(count: number, logLevel: LogLevel) {
    vi.useFakeTimers();
    const pool = new ProtocolTest();
    pool.deploymentClass = "s256";
    const works = Array.from({ length: count }, (_, index) =>
      job("action", "act", {}, index % 2 ? { retryBehavior } : {}),
    );
    await pool.enqueue(works, { maxParallelism: 100, logLevel });
    await pool.tick();
    const executors = await pool.takeExecutors();
    clear();
    return { pool, executors };
  }
  const allFailed = (executor: HandExecutor) =>
    executor.attempts().map((attempt) => ended(attempt, failure()));

  async function reportTwo(logLevel: LogLevel) {
    const { executors } = await start(2, logLevel);
    const reply = await executors[0]!.report(allFailed(executors[0]!));
    expect(reply.logLevel).toBe(logLevel);
  }

  test("is logged by the report that brings it, with what follows from it", async () => {
    await reportTwo("WARN");
    expect(lines("error")).toEqual([
      expect.stringMatching(
        /^\[attempt\] jobs:act \(work \w+\) failed in attempt 1: Error: no luck$/,
      ),
    ]);
    expect(lines("warn")).toEqual([
      expect.stringMatching(
        /^\[attempt\] jobs:act \(work \w+\) failed in attempt 1 and will be retried: Error: no luck$/,
      ),
    ]);
  });

  test("is no error as long as it is retried, and then hidden at ERROR", async () => {
    await reportTwo("ERROR");
    expect(lines("error")).toHaveLength(1);
    expect(lines("warn")).toEqual([]);
  });

  test("leaves room for what the pool has to say, at every level", async () => {
    const { pool, executors } = await start(100, "INFO");
    const results = executors.flatMap(allFailed);
    expect(results).toHaveLength(MAX_RESULTS);
    const log = createLogger("INFO", new LineBudget(SHARED_RUN));
    await pool.run((ctx) => applyResults(ctx, log, results, true));
    log.end();
    const printed = METHODS.flatMap(lines);
    expect(printed.length).toBeLessThan(150);
    expect(printed.filter((line) => line.startsWith("[attempt]"))).toHaveLength(
      80,
    );
    expect(JSON.parse(lines("warn").at(-1)!)).toMatchObject({
      event: "omitted",
      events: 36,
      problems: 20,
    });
  });
});

describe("an executor", () => {
  const attempt = { workId: "w" as Id<"work">, fnName: "jobs:test" };

  test("whose reports fail all the time still has room for what is new", () => {
    const log = new ExecutorLog();
    for (let count = 0; count < 1_000; count++) {
      log.problem("error", `report ${count} failed`);
    }
    expect(lines("error")).toHaveLength(80);
    log.unknownError(attempt, new Error("haunted"));
    expect(lines("warn")).toHaveLength(1);
    log.end();
    expect(JSON.parse(lines("warn").at(-1)!)).toMatchObject({
      event: "omitted",
      problems: 920,
    });
  });

  test("tells of a text it does not know once, and of twenty such at most", () => {
    const log = new ExecutorLog();
    for (let count = 0; count < 100; count++) {
      log.unknownError(attempt, new Error("haunted"));
      log.unknownError(attempt, new Error(`no such page: ${count}`));
    }
    expect(lines("warn")).toHaveLength(20);
    expect(JSON.parse(lines("warn")[0]!)).toMatchObject({
      component: "workpool",
      event: "unknownError",
      message: expect.stringContaining("haunted"),
      ...attempt,
    });
  });

  test("heeds the level that reports tell it, within the room it had", () => {
    const log = new ExecutorLog();
    for (let count = 0; count < 60; count++) log.problem("warn", "slow");
    log.setLevel("ERROR");
    log.problem("warn", "slow");
    expect(lines("warn")).toHaveLength(60);
    for (let count = 0; count < 60; count++) log.problem("error", "failed");
    expect(lines("error")).toHaveLength(20);
  });
});
