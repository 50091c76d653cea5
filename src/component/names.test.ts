import { describe, expect, test } from "vitest";
import { checkNames, namesIn, suggestName } from "./names.js";

const ENQUEUE = [
  "retry",
  "name",
  "onComplete",
  "onCompleteExcludeKinds",
  "context",
  "statusTtl",
  "timeoutMs",
  "runAt",
  "runAfter",
];
const POOL = [
  "maxParallelism",
  "logLevel",
  "statusTtl",
  "timeoutMs",
  "defaultRetryBehavior",
  "retryActionsByDefault",
];
const RETRY = ["maxAttempts", "initialBackoffMs", "base"];

describe("what was probably meant", () => {
  test.each([
    // Letters added, left out, replaced, swapped, or in another case.
    ["maxParalelism", POOL, "maxParallelism"],
    ["maxparallelism", POOL, "maxParallelism"],
    ["max_parallelism", POOL, "maxParallelism"],
    ["onCompleted", ENQUEUE, "onComplete"],
    ["onCompelte", ENQUEUE, "onComplete"],
    ["onCompleteExclude", ENQUEUE, "onCompleteExcludeKinds"],
    ["conetxt", ENQUEUE, "context"],
    ["runat", ENQUEUE, "runAt"],
    ["runAftr", ENQUEUE, "runAfter"],
    ["maxAtempts", RETRY, "maxAttempts"],
    ["initialBackoff", RETRY, "initialBackoffMs"],
    ["cancelled", ["success", "failed", "canceled"], "canceled"],
    // What it is called elsewhere.
    ["delay", ENQUEUE, "runAfter"],
    ["delay", RETRY, "initialBackoffMs"],
    ["concurrency", POOL, "maxParallelism"],
    ["attempts", ENQUEUE, "retry.maxAttempts"],
    ["maxRetries", ENQUEUE, "retry.maxAttempts"],
    ["maxRetries", RETRY, "maxAttempts"],
    ["maxRetries", POOL, "defaultRetryBehavior.maxAttempts"],
    ["maxAttempts", ["retryBehavior"], "retryBehavior.maxAttempts"],
    ["backoff", ENQUEUE, "retry.initialBackoffMs"],
    ["timeout", ENQUEUE, "timeoutMs"],
    ["ttl", ENQUEUE, "statusTtl"],
    ["retryBehavior", ENQUEUE, "retry"],
    ["retryBehavior", POOL, "defaultRetryBehavior"],
    ["retry", ["retryBehavior"], "retryBehavior"],
    ["retry", POOL, "retryActionsByDefault"],
    ["failure", ["success", "failed", "canceled"], "failed"],
    // Something else altogether.
    ["priority", ENQUEUE, undefined],
    ["", ENQUEUE, undefined],
    ["x", ENQUEUE, undefined],
    ["constructor", ENQUEUE, undefined],
    ["concurrency", ENQUEUE, undefined],
    ["x".repeat(1_000_000), ENQUEUE, undefined],
  ])("by %s, among %j, is %s", (name, known, meant) => {
    expect(suggestName(name, known)).toBe(meant);
  });
});

describe("a name that does not exist", () => {
  test("is refused with what was meant, and all there are", () => {
    expect(() => checkNames("retry", ["bases"], RETRY, "field")).toThrow(
      'retry has no field "bases". Did you mean "base"? Its fields are maxAttempts, initialBackoffMs, base.',
    );
  });

  test("is refused with all there are, when nobody knows what was meant", () => {
    expect(() => checkNames("Workpool", ["colour"], POOL)).toThrow(
      'Workpool has no option "colour". Its options are maxParallelism, logLevel, statusTtl, timeoutMs, defaultRetryBehavior, retryActionsByDefault.',
    );
    expect(() => checkNames("cancelAll", ["x"], ["limit"])).toThrow(
      'cancelAll has no option "x". Its only option is limit.',
    );
  });

  test("is shown in part when it is long", () => {
    expect(() => checkNames("retry", ["x".repeat(1000)], RETRY)).toThrow(
      "… (1002 characters)",
    );
  });
});

test("names that exist are good", () => {
  expect(() => checkNames("retry", RETRY, RETRY)).not.toThrow();
  expect(() => checkNames("retry", [], RETRY)).not.toThrow();
});

describe("the names of fields", () => {
  class Options {
    name = "x";
  }
  test.each<[unknown, string[]]>([
    [{}, []],
    [{ a: undefined }, ["a"]],
    [Object.create(null), []],
    [new Options(), ["name"]],
  ])("of %o are %j", (value, names) => {
    expect(namesIn("This", value)).toEqual(names);
  });

  test.each<[unknown, string]>([
    [null, "This must be an object, not null."],
    [["a"], 'This must be an object, not ["a"].'],
    [5, "This must be an object, not 5."],
    [Promise.resolve({ a: 1 }), "This must be an object, not a Promise."],
    [new Map([["a", 1]]), "This must be an object, not a Map."],
    [new Date(0), "This must be an object, not a Date."],
  ])("of %o are none: it is refused", (value, message) => {
    expect(() => namesIn("This", value)).toThrow(message);
  });
});
