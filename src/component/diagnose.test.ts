import { describe, expect, test } from "vitest";
import { diagnose, type Findings } from "./diagnose.js";
import { MAX_FRUITLESS_TICKS_PER_MINUTE } from "./loop/decide.js";

const NOW = 1_700_000_000_000;
const none = { count: 0, isAtLeast: false };
const executor = {
  state: "inProgress",
  startedAt: NOW - 20_000,
  lastReportAt: NOW - 100,
  width: 8,
  inFlight: 3,
  closing: false,
  drives: false,
  asleep: false,
  long: false,
};

/** A pool that works: three in flight, nothing waits. */
const found = (changes: Partial<Findings> = {}): Findings => ({
  state: "running",
  maxParallelism: 10,
  lastTickAt: NOW - 50,
  nextTickAt: NOW + 50,
  backlog: none,
  oldestWaitingSince: null,
  nextDueAt: null,
  inFlight: 3,
  executors: [executor],
  fruitlessTicks: { count: 1, since: NOW - 1000 },
  callbacks: { owed: none, failed: none },
  recovery: null,
  quarantined: none,
  lastTakeoverAt: null,
  lacks: [],
  validUntil: NOW + 30_000,
  ...changes,
});
const waiting = {
  backlog: { count: 5, isAtLeast: false },
  oldestWaitingSince: NOW - 60_000,
};

describe("nothing is wrong", () => {
  test.each<[string, Partial<Findings>]>([
    ["while works run", {}],
    [
      "with a backlog and everything in use",
      { ...waiting, state: "saturated" },
    ],
    [
      "when idle",
      {
        state: "idle",
        inFlight: 0,
        executors: [],
        nextTickAt: null,
        validUntil: null,
      },
    ],
    ["when paused with nothing to do", { maxParallelism: 0 }],
    [
      "while callbacks wait for their turn",
      {
        callbacks: { owed: { count: 3, isAtLeast: false }, failed: none },
      },
    ],
    [
      "for the moment that a wake-up takes",
      {
        state: "idle",
        backlog: { count: 1, isAtLeast: false },
        oldestWaitingSince: NOW - 100,
      },
    ],
  ])("%s", (_, changes) => {
    expect(diagnose(found(changes), NOW)).toEqual([]);
  });
});

describe("it is said", () => {
  test.each<[string, Partial<Findings>, RegExp]>([
    [
      "that works wait because the pool is paused",
      { ...waiting, maxParallelism: 0, state: "saturated", inFlight: 0 },
      /paused .* and 5 works are waiting/,
    ],
    [
      "that the loop gave no sign of life",
      { validUntil: NOW - 9000, nextTickAt: NOW - 60_000 },
      /without a sign of life .*\(running, until 9 s ago\)/,
    ],
    [
      "that the next turn is late",
      { nextTickAt: NOW - 8000 },
      /next turn was due 8 s ago/,
    ],
    [
      "that works wait for an idle loop",
      { ...waiting, state: "idle" },
      /^5 works are waiting, the oldest for 60 s, and the loop is idle/,
    ],
    [
      "that works wait for room that is there",
      {
        ...waiting,
        backlog: { count: 900, isAtLeast: true },
        state: "saturated",
        inFlight: 0,
      },
      /^At least 900 works are waiting for room/,
    ],
    [
      "that an executor is gone",
      { executors: [{ ...executor, state: null }] },
      /started 20 s ago with 3 works in flight is gone/,
    ],
    [
      "that one was canceled",
      { executors: [{ ...executor, state: "canceled" }] },
      /was canceled, and may still be running/,
    ],
    [
      "that one failed",
      { executors: [{ ...executor, state: "failed" }] },
      /ended \(failed\)/,
    ],
    [
      "that the loop spins",
      {
        fruitlessTicks: {
          count: MAX_FRUITLESS_TICKS_PER_MINUTE + 1,
          since: NOW - 30_000,
        },
      },
      /301 times since .* slowed down/,
    ],
    [
      "that callbacks were given up",
      { callbacks: { owed: none, failed: { count: 100, isAtLeast: true } } },
      /At least 100 onComplete callbacks failed for good/,
    ],
  ])("%s", (_, changes, problem) => {
    expect(diagnose(found(changes), NOW)).toEqual([
      expect.stringMatching(problem),
    ]);
  });
});
