/** A work that went on without the executor it was handed to is nobody's twice. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api } from "../_generated/api.js";
import { job, ProtocolTest, recorded } from "../../testing/protocol.js";

const died = { kind: "failed" as const, error: "Boom" };

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

const action = (key: string) => job("action", "act", { key }, recorded(key));

/** A work that an executor was handed and not given has failed from outside, and begins another round. */
async function anotherRound() {
  await pool.enqueue([action("first")], { maxParallelism: 8 });
  const executor = await pool.startOpenByHand();
  await executor.report();
  const [id] = await pool.enqueue([job("action", "act", { key: "second" })]);
  await pool.tick();
  expect(await pool.rows("running")).toHaveLength(1);
  await pool.pass(5);
  await pool.t.mutation(api.works.fail, { id: id!, error: "from outside" });
  await pool.t.mutation(api.works.retry, { id: id! });
  expect(await pool.rows("pendingStart")).toHaveLength(1);
  return { executor, id: id! };
}

test("an executor is not given what was handed to it in a round before", async () => {
  const { executor, id } = await anotherRound();
  await executor.report([], { want: 8 });
  const given = executor.attempts().filter(({ workId }) => workId === id);
  expect(given).toEqual([]);
  expect(await pool.rows("pendingStart")).toHaveLength(1);
});

test("what was handed over in a round before is not put back when its executor dies", async () => {
  const { executor } = await anotherRound();
  await executor.becomes(died);
  await pool.guard();
  expect(await pool.rows("pendingStart")).toHaveLength(1);
  await pool.drain();
  const begun = await pool.effects("attempt");
  expect(begun.filter(({ key }) => key === "second")).toHaveLength(1);
});
