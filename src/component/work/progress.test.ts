import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../_generated/api.js";
import type { Attempt } from "../loop/attempt.js";
import { HOUR, SECOND } from "../shared.js";
import {
  ended,
  failure,
  type HandExecutor,
  job,
  ProtocolTest,
} from "../../testing/protocol.js";
import type { Item } from "./enqueue.js";
import { decodeWire } from "./wire.js";

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

const attached = (changes: Partial<Item> = {}) =>
  job("action", "act", { key: "a" }, { late: { work: "this" }, ...changes });
const retryBehavior = { maxAttempts: 3, initialBackoffMs: 10, base: 1 };

async function begin(
  changes?: Partial<Item>,
): Promise<{ executor: HandExecutor; attempt: Attempt }> {
  await pool.enqueueOne(attached(changes));
  const executor = await pool.startByHand();
  return { executor, attempt: executor.attempts()[0]! };
}
const beat = (
  { workId, fence }: Attempt,
  said: { progress?: number; step?: string } = {},
) => pool.t.mutation(api.attempts.beat, { id: workId, fence, ...said });
const listen = ({ workId, fence }: Attempt) =>
  pool.t.query(api.attempts.listen, { id: workId, fence });

describe("a beat", () => {
  test("is shown by get while the work runs", async () => {
    const { attempt } = await begin();
    expect(await pool.get(attempt.workId)).not.toHaveProperty("progress");
    expect(await beat(attempt, { progress: 0.5, step: "b" })).toBe("goesOn");
    vi.setSystemTime(Date.now() + SECOND);
    expect(await beat(attempt, { progress: 0.6 })).toBe("goesOn");
    expect(await pool.get(attempt.workId)).toMatchObject({
      progress: { progress: 0.6, step: "b", beatAt: Date.now() },
    });
    expect(await pool.rows("progress")).toHaveLength(1);
  });

  test("writes the row of progress alone", async () => {
    const { attempt } = await begin();
    const before = [await pool.rows("work"), await pool.rows("executor")];
    await beat(attempt, { progress: 0.5 });
    expect([await pool.rows("work"), await pool.rows("executor")]).toEqual(
      before,
    );
  });

  test("of an attempt that is over is answered, and not written down", async () => {
    const { executor, attempt } = await begin({ retryBehavior });
    await executor.report([ended(attempt, failure())]);
    expect(await beat(attempt)).toBe("superseded");
    expect(await listen(attempt)).toBe("superseded");
    expect(await pool.rows("progress")).toEqual([]);
  });

  test("of the attempt before is not shown as the next one's", async () => {
    const { executor, attempt } = await begin({ retryBehavior });
    await beat(attempt, { progress: 0.9, step: "the end" });
    await executor.report([ended(attempt, failure())], { closing: true });
    expect(await pool.get(attempt.workId)).not.toHaveProperty("progress");
    vi.setSystemTime(Date.now() + SECOND);
    const next = (await pool.startByHand()).attempts()[0]!;
    expect(decodeWire((next.fnArgs as any).work).number).toBe(2);
    await beat(next, { progress: 0.1 });
    expect((await pool.get(next.workId))!.progress).toEqual({
      progress: 0.1,
      beatAt: Date.now(),
    });
    expect(await pool.rows("progress")).toHaveLength(1);
  });

  test("of a work that was not told its attempt is not written down", async () => {
    await pool.enqueueOne(job("action", "act", { key: "a" }));
    const [attempt] = (await pool.startByHand()).attempts();
    expect(attempt!.fnArgs).toEqual({ key: "a" });
    expect(await beat(attempt!)).toBe("superseded");
    expect(await pool.rows("progress")).toEqual([]);
  });

  test("that says what is no progress is refused", async () => {
    const { attempt } = await begin();
    await expect(beat(attempt, { progress: 2 })).rejects.toThrow(
      "progress must be a number from 0 to 1, not 2.",
    );
    await expect(beat(attempt, { step: "x".repeat(1001) })).rejects.toThrow(
      "step must be",
    );
  });
});

describe("an attempt that is canceled", () => {
  test("hears so by listening, and by its beats, which still count", async () => {
    const { attempt } = await begin();
    expect(await listen(attempt)).toBe("goesOn");
    await pool.cancel(attempt.workId);
    expect(await listen(attempt)).toBe("canceled");
    expect(await beat(attempt, { step: "cleaning up" })).toBe("canceled");
  });

  test("of no work at all hears that it is superseded", async () => {
    const nobody = { id: "nobody", fence: 0 };
    expect(await pool.t.query(api.attempts.listen, nobody)).toBe("superseded");
    expect(await pool.t.mutation(api.attempts.beat, nobody)).toBe("superseded");
  });
});

describe("the row of progress goes with the work", () => {
  test.each([
    ["succeeds", undefined, {}],
    ["fails, and is kept", failure(), {}],
    ["fails, and is not kept", failure(), { statusTtl: 0 }],
    ["succeeds, and its outcome is kept", undefined, { statusTtl: HOUR }],
  ])("that %s", async (_, outcome, changes) => {
    const { executor, attempt } = await begin(changes);
    await beat(attempt, { progress: 1 });
    await executor.report([ended(attempt, outcome)]);
    expect(await pool.rows("progress")).toEqual([]);
  });

  test("that is canceled between two attempts", async () => {
    const slow = { ...retryBehavior, initialBackoffMs: HOUR };
    const { executor, attempt } = await begin({ retryBehavior: slow });
    await beat(attempt, { progress: 1 });
    await executor.report([ended(attempt, failure())]);
    await pool.cancel(attempt.workId);
    expect(await pool.rows("progress")).toEqual([]);
  });
});

test("an executor that knows nothing of late arguments is given them filled in", async () => {
  const { attempt } = await begin({ timeoutMs: 5_000 });
  expect(decodeWire((attempt.fnArgs as any).work)).toEqual({
    id: attempt.workId,
    number: 1,
    fence: 0,
    deadline: null,
  });
  expect(attempt.late).toEqual({ args: { work: "this" }, number: 1 });
});

test("what is late adds its bytes to the arguments", async () => {
  await pool.enqueueOne(attached());
  await pool.enqueueOne(job("action", "act", { key: "a" }));
  const [late, plain] = await pool.rows("work");
  expect(late!.argsSize).toBeGreaterThan(plain!.argsSize + 50);
});
