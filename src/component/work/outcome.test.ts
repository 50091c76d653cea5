import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  appFunction,
  ended,
  failure,
  job,
  poolFunction,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import type { Item } from "./enqueue.js";
import { MAX_VALUE_BYTES } from "../shared.js";

let pool: ProtocolTest;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
  pool = new ProtocolTest();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const action = (key: string, changes: Partial<Item> = recorded(key)) =>
  job("action", "act", { key }, changes);
const calling = (
  key: string,
  calls: { handle: string; args: Record<string, unknown> }[],
) => ({
  onComplete: {
    fnHandle: appFunction("completedCalling"),
    context: { key, calls },
  },
});

describe("a callback", () => {
  test("that asks for the status of its work is told that it has finished", async () => {
    const context = { key: "a", status: poolFunction("status") };
    await pool.enqueue([
      action("a", {
        onComplete: { fnHandle: appFunction("completedAsking"), context },
      }),
    ]);
    const executor = await pool.startByHand();
    const next = executor.attempts();
    await executor.report([ended(next[0]!)]);
    expect(await pool.effects("asked")).toMatchObject([
      { key: "a", detail: { state: "finished" } },
    ]);
  });

  test("runs in the transaction that ends the work", async () => {
    const [id] = await pool.enqueue([action("a")]);
    const executor = await pool.startByHand();
    const next = executor.attempts();
    await executor.report([ended(next[0]!)]);
    expect(await pool.effects("completed")).toMatchObject([
      {
        key: "a",
        detail: {
          workId: id,
          context: { key: "a" },
          result: { kind: "success", returnValue: "done" },
        },
      },
    ]);
    expect(await pool.rows("complete")).toEqual([]);
  });

  test("is not called for the kinds it excludes, and for the others it is", async () => {
    const onComplete = (key: string) => ({
      ...recorded(key).onComplete,
      excludeKinds: ["success" as const],
    });
    await pool.enqueue([
      action("fine", { onComplete: onComplete("fine") }),
      action("bad", { onComplete: onComplete("bad") }),
    ]);
    const executor = await pool.startByHand();
    const next = executor.attempts();
    await executor.report([ended(next[0]!), ended(next[1]!, failure())]);
    expect(Object.keys(await pool.outcomes())).toEqual(["bad"]);
  });

  test("gets a context of the largest size, and nothing of it remains", async () => {
    const context = { key: "a", text: "x".repeat(MAX_VALUE_BYTES - 100) };
    await pool.enqueue([
      action("a", {
        onComplete: { fnHandle: appFunction("completed"), context },
      }),
    ]);
    expect(await pool.rows("payload")).toHaveLength(1);
    const executor = await pool.startByHand();
    const next = executor.attempts();
    await executor.report([ended(next[0]!)]);
    const [effect] = await pool.effects("completed");
    expect(effect!.detail.context).toEqual(context);
    expect(await pool.rows("payload")).toEqual([]);
  });

  test("may cancel a work whose retry is in the same report", async () => {
    const retryBehavior = { maxAttempts: 5, initialBackoffMs: 50, base: 2 };
    const [second] = await pool.enqueue([
      action("second", { ...recorded("second"), retryBehavior }),
    ]);
    await pool.enqueue([
      action(
        "first",
        calling("first", [
          { handle: poolFunction("cancel"), args: { id: second! } },
        ]),
      ),
    ]);
    const executor = await pool.startByHand();
    const next = executor.attempts();
    const [failing, succeeding] = next;
    await executor.report([ended(failing!, failure()), ended(succeeding!)]);
    expect(await pool.liveWorks()).toEqual([]);
    await pool.drain();
    expect(await pool.outcomes()).toMatchObject({
      first: [{ kind: "success" }],
      second: [{ kind: "canceled" }],
    });
    expect(await pool.liveWorks()).toEqual([]);
    expect(await pool.rows("pendingStart")).toEqual([]);
  });

  test("may cancel a work whose success is in the same report, too late", async () => {
    const [target] = await pool.enqueue([action("target")]);
    await pool.enqueue([
      action(
        "first",
        calling("first", [
          { handle: poolFunction("cancel"), args: { id: target! } },
        ]),
      ),
    ]);
    const executor = await pool.startByHand();
    const next = executor.attempts();
    await executor.report([ended(next[1]!), ended(next[0]!)]);
    expect(await pool.outcomes()).toMatchObject({
      first: [{ kind: "success" }],
      target: [{ kind: "success" }],
    });
    expect(await pool.liveWorks()).toEqual([]);
  });

  test("may enqueue more work, which runs", async () => {
    const more = { ...action("more"), config: {} };
    await pool.enqueue([
      action(
        "first",
        calling("first", [{ handle: poolFunction("enqueue"), args: more }]),
      ),
    ]);
    await pool.drain();
    expect(Object.keys(await pool.outcomes()).sort()).toEqual([
      "first",
      "more",
    ]);
  });

  test("that calls the pool and then fails leaves no trace of that until it succeeds", async () => {
    const more = { ...action("more"), config: {} };
    const enqueueMore = { handle: poolFunction("enqueue"), args: more };
    const refused = { handle: poolFunction("enqueue"), args: {} };
    await pool.enqueue([
      action("first", calling("first", [enqueueMore, refused])),
    ]);
    const executor = await pool.startByHand();
    const next = executor.attempts();
    await executor.report([ended(next[0]!)]);
    expect(await pool.liveWorks()).toEqual([]);
    expect(await pool.rows("pendingStart")).toEqual([]);
    expect(await pool.rows("complete")).toHaveLength(1);
  });
});

describe("an outcome", () => {
  test("that is a large value is kept apart and read back whole", async () => {
    const [id] = await pool.enqueue([
      action("a", { statusTtl: 60_000, ...recorded("a") }),
    ]);
    const executor = await pool.startByHand();
    const next = executor.attempts();
    const returnValue = "x".repeat(MAX_VALUE_BYTES - 100);
    await executor.report([ended(next[0]!, { kind: "success", returnValue })]);
    expect(await pool.get(id!)).toMatchObject({
      result: { kind: "success", returnValue },
    });
    expect(await pool.outcomes()).toEqual({
      a: [{ kind: "success", returnValue }],
    });
    expect(await pool.rows("payload")).toHaveLength(1);
  });

  test("beyond the largest size fails its own work, once, and no other", async () => {
    const retryBehavior = { maxAttempts: 3, initialBackoffMs: 50, base: 2 };
    const resultBytes = MAX_VALUE_BYTES + 1;
    await pool.enqueue([
      job(
        "action",
        "act",
        { key: "huge", resultBytes },
        { ...recorded("huge"), retryBehavior },
      ),
      action("fine"),
    ]);
    await pool.drain();
    expect(await pool.outcomes()).toEqual({
      fine: [{ kind: "success", returnValue: "did fine" }],
      huge: [
        {
          kind: "failed",
          error:
            "The result of jobs:act is too large: 1000003 bytes (limit: 1000000 bytes)",
        },
      ],
    });
    expect(await pool.effects("attempt")).toHaveLength(2);
  });

  test("is kept by kind: nothing of a success, a failure for a week, unless told otherwise", async () => {
    const [fine, bad] = await pool.enqueue([
      action("fine", {}),
      action("bad", {}),
    ]);
    const executor = await pool.startByHand();
    const next = executor.attempts();
    await executor.report([ended(next[0]!), ended(next[1]!, failure())]);
    expect(await pool.get(fine!)).toBeNull();
    expect(await pool.get(bad!)).toMatchObject({
      state: "finished",
      attempts: 1,
      result: { kind: "failed", error: "Error: no luck" },
    });
  });
});
