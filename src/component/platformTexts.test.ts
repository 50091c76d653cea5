import { describe, expect, test } from "vitest";
import {
  isMissingFunction,
  isPassing,
  isUnknown,
  type Meaning,
  means,
  PLATFORM_TEXTS,
  wasNotStarted,
} from "./platformTexts.js";

/** One at least for every pattern, worded as the platform does. */
const TEXTS: readonly [Meaning, string][] = [
  [
    "noRoom",
    "TooManyConcurrentRequests: Too many concurrent requests in a short period of time.",
  ],
  [
    "noRoom",
    "Too many concurrent requests. Your backend is limited to 64 concurrent actions.",
  ],
  [
    "passing",
    'Documents read from or written to the "effects" table changed while this mutation was being run and on every subsequent retry.',
  ],
  [
    "passing",
    "Data read or written in this mutation changed while it was being run. Consider reducing the amount of data read.",
  ],
  ["passing", "OptimisticConcurrencyControlFailure"],
  ["passing", "Too many concurrent commits in a short period of time."],
  ["passing", "TooManyWrites"],
  [
    "passing",
    "Too many writes per second. Your deployment is limited to 4 MiB bytes written per 1s.",
  ],
  ["passing", "InternalServerError"],
  ["passing", "Your request couldn't be completed. Try again later."],
  ["passing", "Your request timed out performing too many system operations."],
  ["passing", "Search indexes are temporarily unavailable"],
  ["limit", "Too many reads in a single function execution (limit: 4096)."],
  ["limit", "Too many writes in a single function execution (limit: 16000)"],
  ["limit", "Too many functions scheduled by this mutation (limit: 1000)"],
  ["limit", "Query scanned too many documents (fetched 5000)."],
  ["timedOut", "Function execution timed out (maximum duration: 1s)"],
  ["timedOut", "Action `act` execution timed out (maximum duration 1800s)"],
  [
    "timedOut",
    "Function execution unexpectedly timed out. Check your function for infinite loops or other long-running operations.",
  ],
  [
    "outOfMemory",
    "JavaScript execution ran out of memory (maximum memory usage: 64 MB)",
  ],
  ["died", "Transient error while executing action"],
  ["missingFunction", "Function handle not found"],
  ["missingFunction", "Could not find public function for 'jobs:send'."],
  [
    "missingFunction",
    "Could not find function for 'jobs:send'. Did you forget to run `npx convex dev`?",
  ],
  [
    "missingFunction",
    "Couldn't find JavaScript module 'jobs.js'. Did you forget to run `npx convex dev`?",
  ],
  ["missingFunction", 'Couldn\'t find "send" in module "jobs.js".'],
];

test.each(TEXTS)("%s: %s", (meaning, text) => {
  const rows = PLATFORM_TEXTS.filter(({ pattern }) => pattern.test(text));
  expect(new Set(rows.map((row) => row.meaning))).toEqual(new Set([meaning]));
  expect(means(text, meaning)).toBe(true);
  expect(isUnknown(new Error(text))).toBe(false);
});

test("every row has a text", () => {
  for (const { pattern, from } of PLATFORM_TEXTS) {
    expect(
      TEXTS.some(([, text]) => pattern.test(text)),
      from,
    ).toBe(true);
  }
});

describe("errors of the platform are told from the user's", () => {
  const of = (meaning: Meaning) =>
    TEXTS.filter((row) => row[0] === meaning).map(([, text]) => text);

  test("a function is not started only if that is said of the call itself", () => {
    for (const text of of("noRoom")) {
      expect(wasNotStarted(new Error(text))).toBe(true);
      expect(wasNotStarted(new Error(`Uncaught Error: ${text}`))).toBe(false);
    }
    expect(wasNotStarted(new Error("no luck"))).toBe(false);
  });

  test("a missing function likewise", () => {
    for (const text of of("missingFunction")) {
      expect(isMissingFunction(new Error(text))).toBe(true);
      expect(isMissingFunction(new Error(`Uncaught Error: ${text}`))).toBe(
        false,
      );
    }
  });

  test("what passes is tried again, and nothing else", () => {
    for (const [meaning, text] of TEXTS) {
      const passes = meaning === "noRoom" || meaning === "passing";
      expect(isPassing(new Error(text)), text).toBe(passes);
    }
  });

  test("what nobody knows is unknown", () => {
    expect(isUnknown(new Error("Your document is haunted"))).toBe(true);
    expect(isPassing(new Error("Your document is haunted"))).toBe(false);
  });
});
