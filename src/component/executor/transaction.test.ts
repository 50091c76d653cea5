import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  appFunction,
  ended,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { internal } from "../_generated/api.js";
import type { Id } from "../_generated/dataModel.js";
import type { Item } from "../work/enqueue.js";
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

/** One mutation, delivered to an executor the test plays. */
async function deliver(
  name: string,
  args: Record<string, unknown>,
  changes: Partial<Item> = recorded("m"),
) {
  const id = await pool.enqueueOne(job("mutation", name, args, changes));
  const executor = await pool.startByHand();
  return { id, executor, attempt: executor.attempts()[0]! };
}
const runTransaction = (
  workId: Id<"work">,
  fence: number,
  inlineCallback = true,
) =>
  pool.t.mutation(internal.executor.transaction.run, {
    workId,
    fence,
    inlineCallback,
  });

test("its writes, its outcome and its callback come in one transaction, once", async () => {
  const { id, attempt } = await deliver("mutate", { key: "m" });
  expect(await runTransaction(id, attempt.fence)).toBe("success");
  expect(await runTransaction(id, attempt.fence)).toBe("superseded");
  expect(await pool.effects("mutation")).toHaveLength(1);
  expect(await pool.outcomes()).toEqual({
    m: [{ kind: "success", returnValue: "wrote m" }],
  });
});

test("under an old fence it does nothing", async () => {
  const { id, executor, attempt } = await deliver("mutate", { key: "m" });
  await executor.becomes({ kind: "failed", error: "Transient error" });
  await pool.guard();
  expect(await pool.work(id)).toMatchObject({ fence: attempt.fence + 1 });

  expect(await runTransaction(id, attempt.fence)).toBe("superseded");
  expect(await pool.effects("mutation")).toEqual([]);
  expect(await pool.status(id)).not.toEqual({ state: "finished" });
});

test("a work that was canceled before it began does not run", async () => {
  const { id, attempt } = await deliver("mutate", { key: "m" });
  await pool.cancel(id);
  expect(await runTransaction(id, attempt.fence)).toBe("canceled");
  expect(await pool.effects("mutation")).toEqual([]);
  expect(await pool.outcomes()).toEqual({ m: [{ kind: "canceled" }] });
});

test("what is recorded counts when it is reported, and what was superseded does not", async () => {
  const ids = await pool.enqueue(
    ["a", "b", "c"].map((key) => job("mutation", "mutate", { key })),
  );
  const executor = await pool.startByHand();
  const next = executor.attempts();
  const outcomes = ["success", "failed", "superseded"] as const;
  await executor.report(
    next.map((attempt, index) =>
      ended(attempt, { kind: "recorded", result: outcomes[index]! }),
    ),
  );
  expect(ids).toHaveLength(3);
  expect(await executor.row()).toMatchObject({
    state: {
      kind: "done",
      tally: { succeeded: 1, failed: 1, retries: 0, canceled: 0 },
    },
  });
});

describe("when it fails, its writes are gone and its outcome stays:", () => {
  const large = MAX_VALUE_BYTES + 1;
  test.each([
    ["it throws", "mutate", { key: "m", fail: true }, "m refused"],
    ["its result is wrong", "wrongReturn", { key: "m" }, "eturn"],
    [
      "its result is too large",
      "mutate",
      { key: "m", resultBytes: large },
      "The result of jobs:mutate is too large: 1000003 bytes (limit: 1000000 bytes)",
    ],
  ])("%s", async (_, name, args, error) => {
    const { id, attempt } = await deliver(name, args);
    expect(await runTransaction(id, attempt.fence)).toBe("failed");
    expect(await pool.effects("mutation")).toEqual([]);
    expect(await pool.outcomes()).toEqual({
      m: [{ kind: "failed", error: expect.stringContaining(error) }],
    });
    expect(await pool.get(id)).toMatchObject({
      state: "finished",
      attempts: 1,
      lastError: expect.stringContaining(error),
    });
  });
});

test("a failing callback takes neither the writes nor the outcome with it", async () => {
  const { id, attempt } = await deliver(
    "mutate",
    { key: "m" },
    recorded("m", "completedWhenAllowed"),
  );
  expect(await runTransaction(id, attempt.fence)).toBe("success");
  expect(await pool.effects("mutation")).toHaveLength(1);
  expect(await pool.effects("completed")).toEqual([]);
  expect(await pool.get(id)).toMatchObject({
    state: "finished",
    result: { kind: "success", returnValue: "wrote m" },
    callback: { state: "owed", attempts: 1 },
  });
});

test("without an inline callback, the outcome is recorded and the callback owed", async () => {
  const { id, executor, attempt } = await deliver("mutate", { key: "m" });
  expect(await runTransaction(id, attempt.fence, false)).toBe("success");
  expect(await pool.effects("completed")).toEqual([]);
  expect(await pool.get(id)).toMatchObject({
    callback: { state: "owed", attempts: 0 },
  });
  await executor.report([
    ended(attempt, { kind: "recorded", result: "success" }),
  ]);
  await pool.drain();
  expect(await pool.outcomes()).toEqual({
    m: [{ kind: "success", returnValue: "wrote m" }],
  });
});

test("a query reads what is there and its result is the outcome", async () => {
  await pool.allow("q");
  const id = await pool.enqueueOne(
    job("query", "read", { key: "q" }, recorded("q")),
  );
  await pool.startByHand();
  expect(await runTransaction(id, 0)).toBe("success");
  expect(await pool.outcomes()).toEqual({
    q: [{ kind: "success", returnValue: 1 }],
  });
});

test("an action is never run as a transaction", async () => {
  const id = await pool.enqueueOne(job("action", "act", { key: "a" }));
  expect(await runTransaction(id, 0)).toBe("superseded");
  expect(await pool.work(id)).not.toBeNull();
});

test("a function that does not exist fails its own work only", async () => {
  const missing = {
    ...job("mutation", "mutate", {}, recorded("missing")),
    fnHandle: appFunction("nowhere"),
  };
  await pool.enqueue([
    missing,
    job("mutation", "mutate", { key: "m" }, recorded("m")),
  ]);
  await pool.drain();
  expect(await pool.outcomes()).toMatchObject({
    missing: [{ kind: "failed", error: expect.stringContaining("nowhere") }],
    m: [{ kind: "success" }],
  });
});
