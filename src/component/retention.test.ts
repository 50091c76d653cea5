import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  ended,
  failure,
  job,
  ProtocolTest,
  recorded,
} from "../testing/protocol.js";
import { DAY, MINUTE, SECOND } from "./shared.js";

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

const action = (key: string, changes = {}) =>
  job("action", "act", { key }, changes);
/** Any work that runs brings ticks, and those sweep. */
const otherWork = async () => {
  await pool.enqueue([action("other")]);
  await pool.drain();
};

test("an outcome is readable for its time and not a moment longer", async () => {
  const id = await pool.enqueueOne(action("a", { statusTtl: MINUTE }));
  await pool.drain();
  const { finishedAt } = (await pool.get(id))!;
  vi.setSystemTime(finishedAt! + MINUTE - 1);
  expect(await pool.get(id)).toMatchObject({
    state: "finished",
    result: { kind: "success", returnValue: "did a" },
  });
  vi.setSystemTime(finishedAt! + MINUTE);
  expect(await pool.get(id)).toBeNull();
});

test("what is over its time is swept by ticks that run anyway, with its large result", async () => {
  const large = { key: "large", resultBytes: 100_000 };
  await pool.enqueue([
    job("action", "act", large, { statusTtl: MINUTE }),
    action("kept", { statusTtl: DAY }),
  ]);
  await pool.drain();
  expect(await pool.rows("complete")).toHaveLength(2);
  vi.setSystemTime(Date.now() + 2 * MINUTE);
  await otherWork();
  expect(await pool.rows("complete")).toHaveLength(1);
  expect(await pool.rows("payload")).toEqual([]);
});

test("nothing is scheduled for it: an outcome kept for days leaves the pool idle", async () => {
  await pool.enqueue([action("a", { statusTtl: 30 * DAY })]);
  await pool.drain();
  expect(await pool.unfinished()).toEqual([]);
});

test("many large outcomes are swept in several ticks, since each must be read", async () => {
  const works = Array.from({ length: 10 }, (_, index) =>
    job(
      "action",
      "act",
      { key: `k${index}`, resultBytes: 20_000 },
      { statusTtl: SECOND },
    ),
  );
  await pool.enqueue(works);
  await pool.drain();
  vi.setSystemTime(Date.now() + MINUTE);
  await pool.enqueue([action("other")]);
  await pool.tick();
  const left = await pool.rows("complete");
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(10);
  await pool.drain();
  await otherWork();
  expect(await pool.rows("complete")).toEqual([]);
  expect(await pool.rows("payload")).toEqual([]);
});

test("what owes a callback is kept, however long that takes", async () => {
  const id = await pool.enqueueOne(
    action("a", { ...recorded("a", "completedWhenAllowed"), statusTtl: 1 }),
  );
  const executor = await pool.startByHand();
  const next = executor.attempts();
  await executor.report([ended(next[0]!)]);
  vi.setSystemTime(Date.now() + MINUTE);
  await pool.enqueue([action("other")]);
  await pool.tick();
  expect(await pool.get(id)).toMatchObject({ callback: { state: "owed" } });
  await pool.allow("a");
  await pool.drain();
  expect(await pool.rows("complete")).toEqual([]);
});

test("failures are kept for a week by default", async () => {
  const id = await pool.enqueueOne(action("a"));
  const executor = await pool.startByHand();
  const next = executor.attempts();
  await executor.report([ended(next[0]!, failure())]);
  vi.setSystemTime(Date.now() + 7 * DAY - SECOND);
  expect(await pool.get(id)).toMatchObject({ result: { kind: "failed" } });
  vi.setSystemTime(Date.now() + 2 * SECOND);
  expect(await pool.get(id)).toBeNull();
});
