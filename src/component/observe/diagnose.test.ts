import { describe, expect, test } from "vitest";
import { diagnose, type Findings } from "./diagnose.js";
import { factsOf } from "./facts.js";
import { MAX_FRUITLESS_TICKS_PER_MINUTE } from "../loop/decide.js";

const NOW = 1_700_000_000_000;
const none = { count: 0, isAtLeast: false };
const executor = {
  state: "inProgress",
  startedAt: NOW - 20_000,
  lastReportAt: NOW - 100,
  width: 8,
  inFlight: 3,
  running: 2,
  claimed: 1,
  closing: false,
  drives: false,
  asleep: false,
  long: false,
  halved: null,
  timedOut: 0,
};

/** A pool that works: three in flight, nothing waits. */
const found = (changes: Partial<Findings> = {}): Findings => ({
  state: "running",
  maxParallelism: 10,
  limitInEffect: 10,
  transactionLimitInEffect: 10,
  paused: false,
  overrides: {},
  overriddenAt: null,
  disagreement: null,
  failing: [],
  lastTickAt: NOW - 50,
  nextTickAt: NOW + 50,
  backlog: none,
  oldestWaitingSince: null,
  nextDueAt: null,
  inFlight: 3,
  running: 2,
  claimed: 1,
  executors: [executor],
  fruitlessTicks: { count: 1, since: NOW - 1000 },
  callbacks: { owed: none, failing: none, failed: none },
  notices: { owed: none, failing: none },
  failingNotice: null,
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
    [
      "when paused, whatever waits",
      {
        ...waiting,
        maxParallelism: 0,
        paused: true,
        state: "saturated",
        inFlight: 0,
      },
    ],
    [
      "while callbacks wait for their turn",
      {
        callbacks: {
          owed: { count: 3, isAtLeast: false },
          failing: none,
          failed: none,
        },
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
      {
        callbacks: {
          owed: none,
          failing: none,
          failed: { count: 100, isAtLeast: true },
        },
      },
      /At least 100 onComplete callbacks failed for good/,
    ],
    [
      "which callbacks fail again and again, why, and what to do",
      {
        callbacks: {
          owed: { count: 100, isAtLeast: true },
          failing: { count: 7, isAtLeast: true },
          failed: none,
        },
        failing: ["emails:send", "orders:ship", "a:b", "c:d", "e:f"].map(
          (fnName, index) => ({
            fnName,
            count: index === 0 ? 3 : 1,
            lastError: `Error: ${"no ".repeat(100)}\n    at handler`,
          }),
        ),
      },
      /^At least 7 onComplete callbacks have failed three times or more, of works of emails:send \(3, the last error: Error: (no ?){40,50}…\), orders:ship \(1, .*\), a:b \(1, .*\) and 2 other functions\. .*half an hour.*Mend .*kick/,
    ],
    [
      "that one callback does",
      {
        callbacks: {
          owed: { count: 1, isAtLeast: false },
          failing: { count: 1, isAtLeast: false },
          failed: none,
        },
        failing: [{ fnName: "a:b", count: 1, lastError: "Error: no" }],
      },
      /^1 onComplete callback has failed three times or more, of works of a:b \(1, the last error: Error: no\)\./,
    ],
    [
      "that onFailed cannot be told, why, and what to do",
      {
        notices: {
          owed: { count: 4, isAtLeast: false },
          failing: { count: 2, isAtLeast: false },
        },
        failingNotice: "Error: the tracker is away\n    at handler",
      },
      /^onFailed was to be told of 2 failures and threw three times or more; the last error: Error: the tracker is away.*half an hour.*Mend onFailed; kick/,
    ],
    [
      "that two Workpool objects disagree, and what to do",
      {
        disagreement: {
          declared: { maxParallelism: 3 },
          other: { maxParallelism: 4 },
          at: NOW - 12_000,
        },
      },
      /\{"maxParallelism":3\} and \{"maxParallelism":4\} \(noted 12 s ago\).*Give them the same options, .*config\.update/,
    ],
  ])("%s", (_, changes, problem) => {
    expect(diagnose(found(changes), NOW)).toEqual([
      expect.stringMatching(problem),
    ]);
  });
});

describe("a fact is", () => {
  const at = NOW - 60_000;
  const iso = new Date(at).toISOString();
  test.each<[string, Partial<Findings>, string]>([
    [
      "a pause at run time, and how to end it",
      {
        ...waiting,
        paused: true,
        maxParallelism: 0,
        limitInEffect: 0,
        transactionLimitInEffect: 0,
        overrides: { maxParallelism: { value: 0, insteadOf: 20 } },
        overriddenAt: at,
      },
      `The pool is paused: maxParallelism is 0, set at run time (${iso}). No work begins; what runs goes on to its end. 5 works are waiting. To end the pause: config.update with maxParallelism null goes back to 20.`,
    ],
    [
      "a pause that the code declares",
      {
        paused: true,
        maxParallelism: 0,
        limitInEffect: 0,
        transactionLimitInEffect: 0,
      },
      "The pool is paused: maxParallelism is 0, as the code declares. No work begins; what runs goes on to its end. To end the pause: declare a maxParallelism above 0, or set one with config.update.",
    ],
    [
      "an override, and what it overrides",
      {
        overrides: { maxParallelism: { value: 5, insteadOf: 20 } },
        overriddenAt: at,
      },
      `maxParallelism is 5, set at run time (${iso}) in place of 20. config.update with maxParallelism null goes back to that.`,
    ],
    [
      "an override from before anybody noted when",
      { overrides: { logLevel: { value: "INFO", insteadOf: "REPORT" } } },
      "logLevel is INFO, set at run time in place of REPORT. config.update with logLevel null goes back to that.",
    ],
    [
      "what the class has no room for, of all works",
      {
        maxParallelism: 200,
        limitInEffect: 48,
        transactionLimitInEffect: 12,
      },
      "maxParallelism is 200, but no more than 48 works, and no more than 12 mutations and queries run at a time: the deployment's class runs so many actions and mutations, and the pool leaves room for the app's own functions. A larger class has more.",
    ],
    [
      "what it has no room for, of mutations and queries",
      {
        maxParallelism: 20,
        limitInEffect: 20,
        transactionLimitInEffect: 12,
      },
      "maxParallelism is 20, but no more than 12 mutations and queries run at a time: the deployment's class runs so many actions and mutations, and the pool leaves room for the app's own functions. A larger class has more.",
    ],
    [
      "what the platform refused, in one worker",
      { executors: [executor, { ...executor, halved: { action: 4 } }] },
      "The platform refused to start some actions (TooManyConcurrentRequests): everything that runs in this deployment together wants more of them at a time than its class allows. 1 worker of this pool runs 4 at most, and one more every few seconds. Nothing is lost. If it goes on, lower maxParallelism here or in another pool.",
    ],
    [
      "what it refused in two",
      {
        executors: [
          { ...executor, halved: { transaction: 4 } },
          { ...executor, halved: { transaction: 1 } },
        ],
      },
      "The platform refused to start some mutations and queries (TooManyConcurrentRequests): everything that runs in this deployment together wants more of them at a time than its class allows. 2 workers of this pool run 4, 1 at most each, and one more every few seconds. Nothing is lost. If it goes on, lower maxParallelism here or in another pool.",
    ],
    [
      "what waits in quarantine",
      { quarantined: { count: 1, isAtLeast: false } },
      "1 work waits to run apart from others, since a worker that had such works ran out of memory.",
    ],
    [
      "what the platform lacks",
      { lacks: ["snapshotTs"] },
      "This platform lacks snapshotTs, and the pool does without: see the requirements in the README.",
    ],
  ])("%s", (_, changes, fact) => {
    expect(factsOf(found(changes))).toEqual([fact]);
  });

  test("missing where nothing is out of the ordinary", () => {
    expect(factsOf(found())).toEqual([]);
  });
});
