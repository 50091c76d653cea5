/** With how much executors are really started. */
import { getConvexSize } from "convex/values";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { job, ProtocolTest } from "../../testing/protocol.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a few large works among many small ones of an entry do not make a start too large", async () => {
  const pool = new ProtocolTest();
  pool.deploymentClass = "s256";
  // On average they are small: only their own sizes tell.
  const items = Array.from({ length: 32 }, (_, n) => {
    const padding = "x".repeat(n === 10 || n === 20 ? 300_000 : 10);
    return job("action", "act", { key: `k${n}`, padding });
  });
  await pool.enqueue(items, { maxParallelism: 128 });
  const executor = await pool.startByHand();
  expect(executor.held.size).toBe(20);
  expect(getConvexSize(executor.start as never)).toBeLessThan(500_000);
  const { next } = await executor.report([], { want: 32 });
  expect(next).toHaveLength(12);
});
