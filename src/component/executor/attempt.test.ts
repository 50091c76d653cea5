import { ConvexError } from "convex/values";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Id } from "../_generated/dataModel.js";
import type { ActionCtx } from "../_generated/server.js";
import { NonRetryableError } from "../errors.js";
import { MAX_VALUE_BYTES, MINUTE } from "../shared.js";
import { runAttempt } from "./attempt.js";
import { ExecutorLog } from "./log.js";
import type { Attempt } from "../loop/attempt.js";
import { sleep } from "./sleep.js";

const CONFLICT =
  'Documents read from or written to the "effects" table changed while this mutation was being run and on every subsequent retry.';
const OVERLOAD =
  "TooManyConcurrentRequests: Too many concurrent requests in a short period of time.";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const attempt = (fnType: Attempt["fnType"]): Attempt => ({
  position: 3,
  workId: "w" as Id<"work">,
  fence: 5,
  fnType,
  fnHandle: "function://test",
  fnName: "jobs:test",
  fnArgs: {},
  size: 0,
});
/** Of the last attempt: how often it was refused, and waited without a permit. */
let refusals = 0;
let withoutPermit = 0;
async function outcomeOf(
  fnType: Attempt["fnType"],
  call: (tries: number, args: any) => unknown,
  deadline = Date.now() + 10 * MINUTE,
) {
  let tries = 0;
  const run = async (_: unknown, args: any) => call(++tries, args);
  const ctx = { runAction: run, runMutation: run } as unknown as ActionCtx;
  refusals = 0;
  withoutPermit = 0;
  const result = runAttempt(ctx, attempt(fnType), deadline, new ExecutorLog(), {
    refused: () => void (refusals += 1),
    withoutIt: async (ms) => {
      withoutPermit += 1;
      await sleep(ms);
    },
  });
  await vi.runAllTimersAsync();
  const { outcome, ...which } = await result;
  expect(which).toMatchObject({ position: 3, workId: "w", fence: 5 });
  return { outcome, tries };
}
const warnings = () =>
  vi
    .mocked(console.warn)
    .mock.calls.map(([line]) => JSON.parse(line as string) as unknown);
const throws = (error: unknown) => () => {
  throw error;
};

describe("an action", () => {
  test("succeeds with what it returns, null where that is nothing", async () => {
    expect((await outcomeOf("action", () => 42)).outcome).toEqual({
      kind: "success",
      returnValue: 42,
    });
    expect((await outcomeOf("action", () => undefined)).outcome).toEqual({
      kind: "success",
      returnValue: null,
    });
  });

  test("that throws is called once and has failed, to be retried", async () => {
    const error = new Error("Uncaught Error: no luck");
    expect(await outcomeOf("action", throws(error))).toEqual({
      tries: 1,
      outcome: { kind: "failed", error: error.message, retryable: true },
    });
  });

  test("that does not exist is named, and retried: the next deploy may bring it back", async () => {
    const error = new Error("Function handle not found");
    expect((await outcomeOf("action", throws(error))).outcome).toEqual({
      kind: "failed",
      error: expect.stringMatching(/^jobs:test does not exist .*any more/),
      retryable: true,
    });
  });

  test("that throws a NonRetryableError is not to be retried", async () => {
    const error = new NonRetryableError("hopeless");
    expect((await outcomeOf("action", throws(error))).outcome).toEqual({
      kind: "failed",
      error: "hopeless",
      retryable: false,
    });
    const other = new ConvexError({ code: "some data" });
    expect((await outcomeOf("action", throws(other))).outcome).toMatchObject({
      retryable: true,
    });
  });

  test("whose result is too large has failed for good: it would be as large again", async () => {
    const huge = () => "x".repeat(MAX_VALUE_BYTES);
    expect((await outcomeOf("action", huge)).outcome).toMatchObject({
      kind: "failed",
      error: expect.stringContaining("jobs:test is too large: 1000002 bytes"),
      retryable: false,
    });
  });

  test("whose result is too deep has failed for good too", async () => {
    const deep = (levels: number) =>
      JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown;
    expect((await outcomeOf("action", () => deep(50))).outcome).toEqual({
      kind: "success",
      returnValue: deep(50),
    });
    expect((await outcomeOf("action", () => deep(51))).outcome).toMatchObject({
      kind: "failed",
      error: "The result of jobs:test is nested too deeply (limit: 50 levels)",
      retryable: false,
    });
  });

  test("that the platform refused was not started", async () => {
    expect(
      (await outcomeOf("action", throws(new Error(OVERLOAD)))).outcome.kind,
    ).toBe("notStarted");
    expect(refusals).toBe(1);
  });

  test("that met an overload of its own has failed: it was started", async () => {
    const inside = new Error(`Uncaught Error: ${OVERLOAD}`);
    expect((await outcomeOf("action", throws(inside))).outcome.kind).toBe(
      "failed",
    );
    expect(refusals).toBe(0);
  });
});

describe("a transaction", () => {
  test("records its own outcome", async () => {
    expect(await outcomeOf("mutation", () => "success")).toEqual({
      tries: 1,
      outcome: { kind: "recorded", result: "success" },
    });
  });

  test("is told the fence, and runs its callback inline only at first", async () => {
    const seen: any[] = [];
    await outcomeOf("mutation", (tries, args) => {
      seen.push(args);
      if (tries < 3) throw new Error(CONFLICT);
      return "success";
    });
    expect(seen.map(({ inlineCallback }) => inlineCallback)).toEqual([
      true,
      false,
      false,
    ]);
    for (const args of seen) {
      expect(args).toMatchObject({ fence: 5, workId: "w" });
    }
  });

  test("is tried again as long as conflicts and overload may pass", async () => {
    const { outcome, tries } = await outcomeOf("query", (count) => {
      if (count < 20) throw new Error(count % 2 ? CONFLICT : OVERLOAD);
      return "success";
    });
    expect(outcome).toEqual({ kind: "recorded", result: "success" });
    expect(tries).toBe(20);
  });

  test("that conflicts waits without a permit; one that was refused keeps its place", async () => {
    const after = (texts: string[]) =>
      outcomeOf("mutation", (tries) => {
        const text = texts[tries - 1];
        if (text) throw new Error(text);
        return "success";
      });
    await after([CONFLICT, CONFLICT]);
    expect([refusals, withoutPermit]).toEqual([0, 2]);
    await after([OVERLOAD]);
    expect([refusals, withoutPermit]).toEqual([1, 0]);
  });

  test("waits again, free of charge, when time runs out", async () => {
    const { outcome } = await outcomeOf(
      "mutation",
      throws(new Error(CONFLICT)),
    );
    expect(outcome).toEqual({ kind: "notStarted", error: CONFLICT });
  });

  test("has failed when an error nobody knows comes again and again", async () => {
    const error = new Error("Your document is haunted");
    expect(await outcomeOf("mutation", throws(error))).toEqual({
      tries: 3,
      outcome: { kind: "failed", error: error.message, retryable: false },
    });
    expect(warnings()).toMatchObject([
      {
        event: "unknownError",
        workId: "w",
        fnName: "jobs:test",
        message: expect.stringContaining("Your document is haunted"),
      },
    ]);
  });

  test("has failed as often at a limit, which is nothing unknown", async () => {
    const error = new Error(
      "Too many reads in a single function execution (limit: 4096).",
    );
    expect(await outcomeOf("mutation", throws(error))).toEqual({
      tries: 3,
      outcome: { kind: "failed", error: error.message, retryable: false },
    });
    expect(warnings()).toEqual([]);
  });
});
