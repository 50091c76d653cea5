/** Executors that drain long works do not keep others from starting, although they count as executors. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { job, ProtocolTest } from "../../testing/protocol.js";
import { MINUTE, SECOND } from "../shared.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("two long works leave room for others all the time they run", async () => {
  const pool = new ProtocolTest();
  await pool.enqueue(
    [job("action", "act", { key: "long 1", ms: 9 * MINUTE })],
    { maxParallelism: 10 },
  );
  await pool.pass(SECOND);
  await pool.enqueue([job("action", "act", { key: "long 2", ms: 9 * MINUTE })]);
  await pool.pass(SECOND);
  for (let n = 1; n < 9; n++) {
    await pool.enqueue([job("action", "act", { key: `short ${n}` })]);
    await pool.pass(MINUTE - 30 * SECOND);
    const started = (await pool.effects("attempt")).map(({ key }) => key);
    expect(started).toContain(`short ${n}`);
    await pool.pass(30 * SECOND);
  }
});
