/** Slots whose handlers take longer than their works declare. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Id } from "../_generated/dataModel.js";
import type { ActionCtx } from "../_generated/server.js";
import type { Attempt } from "../loop/attempt.js";
import { ExecutorLog } from "./log.js";
import { Slots } from "./slots.js";

const TIMEOUT_MS = 5_000;

let ends: Map<string, (value: unknown) => void>;
let slots: Slots;
beforeEach(() => {
  vi.useFakeTimers();
  ends = new Map();
  const call = (handle: string) =>
    new Promise((resolve) => ends.set(handle, resolve));
  const ctx = {
    runAction: call,
    runMutation: (_: unknown, { workId }: { workId: string }) => call(workId),
  };
  slots = new Slots(
    ctx as unknown as ActionCtx,
    new ExecutorLog("ERROR"),
    Date.now(),
    () => {},
  );
});
afterEach(() => vi.useRealTimers());

const attempt = (
  position: number,
  changes: Partial<Attempt> = {},
): Attempt => ({
  position,
  workId: `w${position}` as Id<"work">,
  fence: 0,
  fnType: "action",
  fnHandle: `w${position}`,
  fnName: "jobs:act",
  fnArgs: {},
  size: 10,
  timeoutMs: TIMEOUT_MS,
  ...changes,
});
const reported = () => slots.unreported.takeBatch({ results: 9, awaited: 9 });
const begun = () => [...ends.keys()];
async function end(position: number, value: unknown = "done"): Promise<void> {
  ends.get(`w${position}`)!(value);
  await vi.advanceTimersByTimeAsync(0);
}

test("a handler that takes too long has failed its attempt, and keeps its slot until it ends", async () => {
  slots.take([attempt(0, { awaited: true }), attempt(1)], 1);
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1);
  expect(slots.unreported.count).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(reported()).toMatchObject({
    results: [
      {
        position: 0,
        outcome: {
          kind: "failed",
          error: expect.stringContaining(
            "jobs:act timed out: it took longer than the 5000 ms",
          ),
          retryable: true,
          timedOut: true,
          holds: true,
        },
      },
    ],
    awaited: 1,
  });
  expect([slots.held.running, begun()]).toEqual([1, ["w0"]]);

  await end(0, "late".repeat(1_000));
  expect(begun()).toEqual(["w0", "w1"]);
  const [late] = reported().results;
  expect(late).toMatchObject({ position: 0, outcome: { kind: "over" } });
  expect(JSON.stringify(late)).not.toContain("late");
});

test("a handler that releases its slot gives it on at once, and says nothing more", async () => {
  slots.take([attempt(0, { onTimeout: "release" }), attempt(1)], 1);
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS);
  expect([slots.held.running, begun()]).toEqual([1, ["w0", "w1"]]);
  const [result] = reported().results;
  expect(result!.outcome).toMatchObject({ timedOut: true });
  expect(result!.outcome).not.toHaveProperty("holds");
  await end(0);
  expect(slots.unreported.count).toBe(0);
  expect(slots.held.running).toBe(1);
});

test("one that ends in time leaves no timer behind", async () => {
  slots.take([attempt(0)], 1);
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1);
  await end(0);
  expect(reported().results).toMatchObject([{ outcome: { kind: "success" } }]);
  expect(vi.getTimerCount()).toBe(0);
});

test("what declares nothing, and what is a transaction, is not timed", async () => {
  slots.take(
    [attempt(0, { timeoutMs: undefined }), attempt(1, { fnType: "mutation" })],
    2,
  );
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(60 * TIMEOUT_MS);
  expect(slots.unreported.count).toBe(0);
});

test("what may not begin any more is given back, and what may begins", async () => {
  const startBy = Date.now() + 1_000;
  slots.take(
    [attempt(0), attempt(1, { startBy }), attempt(2, { startBy: startBy + 1 })],
    1,
  );
  await vi.advanceTimersByTimeAsync(1_000);
  await end(0);
  expect(begun()).toEqual(["w0", "w2"]);
  expect(reported().results).toMatchObject([
    { position: 0 },
    { position: 1, outcome: { kind: "returned" } },
  ]);
});
