/** Attempts that beat at first, and then say nothing any more. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../_generated/api.js";
import type { Attempt } from "./attempt.js";
import { SECOND } from "../shared.js";
import {
  ended,
  failure,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import type { Item } from "../work/enqueue.js";
import { DEALT_WITH_MS } from "./watchdog.js";

const HEARTBEAT_TIMEOUT_MS = 30 * SECOND;
const retryBehavior = { maxAttempts: 2, initialBackoffMs: 0, base: 1 };

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

async function begin(
  changes: Partial<Item> = {},
  maxParallelism = 1,
): Promise<{ executor: HandExecutor; attempt: Attempt }> {
  const item = job(
    "action",
    "act",
    { key: "a" },
    {
      late: { work: "this" },
      heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
      ...recorded("a"),
      ...changes,
    },
  );
  await pool.enqueueOne(item, { maxParallelism });
  const executor = await pool.startOpenByHand();
  // Its rows are there, and no tick is needed.
  await executor.report();
  return { executor, attempt: executor.attempts()[0]! };
}
const beat = ({ workId, fence }: Attempt) =>
  pool.t.mutation(api.attempts.beat, { id: workId, fence });
/** The watchdog comes whenever it is due, for so long. */
async function watchFor(ms: number): Promise<void> {
  const end = Date.now() + ms;
  for (;;) {
    const { watch } = await pool.loopState();
    if (watch === null || watch.at > end) break;
    await pool.guard();
  }
  vi.setSystemTime(Math.max(end, Date.now()));
}

describe("an attempt that beats no more", () => {
  test("has failed as timed out within fifteen seconds, and is told so", async () => {
    const { attempt } = await begin();
    await beat(attempt);
    await watchFor(HEARTBEAT_TIMEOUT_MS - 1);
    expect(await pool.get(attempt.workId)).toMatchObject({ state: "running" });
    await watchFor(DEALT_WITH_MS);
    expect(await pool.get(attempt.workId)).toMatchObject({
      state: "finished",
      attempts: 1,
      reason: "timedOut",
      error:
        "jobs:act timed out: it sent no heartbeat for longer than the 30000 ms that heartbeatTimeoutMs allows.",
    });
    expect(await beat(attempt)).toBe("superseded");
    expect(await pool.rows("progress")).toEqual([]);
  });

  test("is retried, and holds its slot until its handler ends", async () => {
    const { executor, attempt } = await begin({ retryBehavior });
    await beat(attempt);
    await watchFor(HEARTBEAT_TIMEOUT_MS + DEALT_WITH_MS);
    pool.moment();
    await pool.tick();
    expect((await executor.report()).next).toEqual([]);
    expect(await pool.status(attempt.workId)).toEqual({
      state: "pending",
      previousAttempts: 1,
    });
    expect(await executor.stats()).toMatchObject({
      open: [{ left: [attempt.position] }],
      over: [attempt.position],
    });
    const told = vi.mocked(console.warn).mock.calls.map(([line]) => `${line}`);
    expect(told.filter((line) => line.includes('"frozen"'))).toHaveLength(1);
    const health = await pool.t.query(api.pool.health, {});
    expect(health).toMatchObject({
      healthy: true,
      facts: [expect.stringMatching(/^1 handler runs on.*timed out/)],
      executors: [{ running: 1, timedOut: 1 }],
    });
    // What it returns counts for nothing, and gives the slot on.
    await executor.report([ended(attempt)]);
    expect(await pool.outcomes()).toEqual({});
    pool.moment();
    await pool.tick();
    await executor.report();
    const [again] = executor.attempts();
    expect(again).toMatchObject({ workId: attempt.workId });
    await executor.report([ended(again!)]);
    expect(await pool.outcomes()).toMatchObject({ a: [{ kind: "success" }] });
  });

  test("is left alone by the recovery of its worker", async () => {
    const { executor, attempt } = await begin({ retryBehavior });
    await beat(attempt);
    await watchFor(HEARTBEAT_TIMEOUT_MS + DEALT_WITH_MS);
    await executor.becomes({ kind: "success" });
    await pool.guard();
    expect(await pool.status(attempt.workId)).toEqual({
      state: "pending",
      previousAttempts: 1,
    });
    expect(await pool.outcomes()).toEqual({});
  });

  test("in a worker that has not reported yet is left alone by recovery, too", async () => {
    await pool.enqueueOne(
      job(
        "action",
        "act",
        { key: "a" },
        {
          late: { work: "this" },
          heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
          retryBehavior,
        },
      ),
    );
    const executor = await pool.startByHand();
    const [attempt] = executor.attempts();
    await beat(attempt!);
    await watchFor(HEARTBEAT_TIMEOUT_MS + DEALT_WITH_MS);
    expect(await executor.stats()).toMatchObject({ over: [0] });
    await executor.becomes({ kind: "success" });
    await pool.guard();
    expect(await pool.status(attempt!.workId)).toMatchObject({
      previousAttempts: 1,
    });
  });

  test("and whose work was canceled ends as canceled", async () => {
    const { attempt } = await begin({ retryBehavior });
    await beat(attempt);
    await pool.cancel(attempt.workId);
    await watchFor(HEARTBEAT_TIMEOUT_MS + DEALT_WITH_MS);
    expect(await pool.rows("work")).toEqual([]);
  });

  test("and whose next attempt says nothing: that one is not watched", async () => {
    const { executor, attempt } = await begin({ retryBehavior });
    await beat(attempt);
    await executor.report([ended(attempt, failure())]);
    pool.moment();
    await pool.tick();
    const [again] = (await executor.report()).next;
    await watchFor(4 * HEARTBEAT_TIMEOUT_MS);
    expect(await pool.get(again!.workId)).toMatchObject({
      state: "running",
      attempts: 1,
    });
  });
});

describe("an attempt goes on", () => {
  test("that never beats", async () => {
    const { attempt } = await begin();
    await watchFor(10 * HEARTBEAT_TIMEOUT_MS);
    expect(await pool.get(attempt.workId)).toMatchObject({ state: "running" });
  });

  test("that beats often enough", async () => {
    const { attempt } = await begin();
    for (let n = 0; n < 10; n++) {
      expect(await beat(attempt)).toBe("goesOn");
      await watchFor(HEARTBEAT_TIMEOUT_MS - 1);
    }
    expect(await pool.get(attempt.workId)).toMatchObject({ state: "running" });
  });

  test("of a work that declares nothing, and nothing is noted for it", async () => {
    const { attempt } = await begin({ heartbeatTimeoutMs: undefined });
    await beat(attempt);
    await watchFor(10 * HEARTBEAT_TIMEOUT_MS);
    expect(await pool.get(attempt.workId)).toMatchObject({ state: "running" });
    expect((await pool.rows("progress"))[0]).not.toHaveProperty("freezesAt");
    expect((await pool.loopState()).scanFrom).not.toHaveProperty("freezes");
  });
});

test.each([999, 1.5, 27 * 60 * SECOND + 1])(
  "a heartbeatTimeoutMs of %s is refused",
  async (heartbeatTimeoutMs) => {
    await expect(begin({ heartbeatTimeoutMs })).rejects.toThrow(
      `heartbeatTimeoutMs must be an integer of milliseconds from 1000 (one second) to 1620000 (27 minutes), not ${heartbeatTimeoutMs}`,
    );
  },
);
