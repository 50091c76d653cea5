import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ended, failure, job, ProtocolTest } from "../../testing/protocol.js";

const retryBehavior = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };

describe("a work that runs apart since its executor died", () => {
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

  /** How it waits after an attempt that ended so. */
  async function waitsAfter(
    outcome: Parameters<typeof ended>[1],
  ): Promise<{ kind: string; isolate: boolean }> {
    const id = await pool.enqueueOne(
      job("action", "act", { key: "a" }, { retryBehavior }),
    );
    await pool.run((ctx) => ctx.db.patch("work", id, { isolate: true }));
    const executor = await pool.startByHand();
    await executor.report([ended(executor.attempts()[0]!, outcome)]);
    const [entry] = await pool.rows("pendingStart");
    const { isolate } = (await pool.work(id))!;
    return { kind: entry!.kind, isolate: isolate === true };
  }

  test("runs among others again once an attempt has ended by itself", async () => {
    expect(await waitsAfter(failure())).toEqual({
      kind: "later",
      isolate: false,
    });
  });

  test.each([
    { kind: "returned" as const },
    { kind: "notStarted" as const, error: "Too many concurrent requests" },
  ])("stays apart when it was not even begun ($kind)", async (outcome) => {
    expect(await waitsAfter(outcome)).toEqual({
      kind: "isolated",
      isolate: true,
    });
  });
});
