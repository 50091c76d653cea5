import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  ended,
  failure,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { textOf } from "../../testing/component.js";
import { sweepExpired } from "./retention.js";
import { DAY, HOUR, MINUTE, SECOND } from "../shared.js";
import { LATE_MS } from "../timeCursor.js";

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

/** Outcomes that expire at these times; `large` ones have a result stored apart. */
async function keep(times: number[], large = false): Promise<void> {
  const workId = await pool.enqueueOne(action("kept"));
  await pool.run(async (ctx) => {
    for (const expiresAt of times) {
      const resultId = large
        ? await ctx.db.insert("payload", { value: "large" })
        : undefined;
      await ctx.db.insert("complete", {
        workId,
        fnType: "action",
        fnName: "jobs:act",
        result: { kind: "success", returnValue: null },
        ...(resultId ? { resultId } : {}),
        attempts: 1,
        enqueuedAt: 0,
        runAt: 0,
        finishedAt: 0,
        ttl: 1,
        expiresAt,
      });
    }
  });
}
const sweep = (cursor?: number) => pool.run((ctx) => sweepExpired(ctx, cursor));
const kept = async () =>
  (await pool.rows("complete")).map(({ expiresAt }) => expiresAt);

test("a sweep that is cut short goes on where it ended, in the next turn", async () => {
  const now = Date.now();
  const times = Array.from({ length: 100 }, (_, n) => now - DAY + n);
  await keep(times);
  const cursor = await sweep();
  expect(await kept()).toEqual(times.slice(64));
  expect(cursor).toBe(times[64]);
  const next = await sweep(cursor);
  expect(await kept()).toEqual([]);
  expect(next).toBe(now - LATE_MS);
});

test("a sweep that left nothing is followed by one ten seconds later, which finds what was written late", async () => {
  const start = Date.now();
  const cursor = await sweep();
  // Written by a transaction that began before the sweep, with a short time to live.
  await keep([start - 30 * SECOND]);
  vi.setSystemTime(start + 9 * SECOND);
  expect(await sweep(cursor)).toBe(cursor);
  expect(await kept()).toHaveLength(1);
  vi.setSystemTime(start + 10 * SECOND);
  expect(await sweep(cursor)).toBe(start + 10 * SECOND - LATE_MS);
  expect(await kept()).toEqual([]);
});

test("a sweep reads nothing that lies before its cursor", async () => {
  const now = Date.now();
  await keep([now - DAY, now - HOUR]);
  await sweep(now - 2 * HOUR);
  expect(await kept()).toEqual([now - DAY]);
});

test("a sweep begins at the start again when the clock has gone back", async () => {
  const now = Date.now();
  await keep([now - DAY]);
  await sweep(now + HOUR);
  expect(await kept()).toEqual([]);
});

test("a sweep leaves a transaction alone that is used up", async () => {
  const now = Date.now();
  await keep([now - DAY]);
  await pool.run(async (ctx) => {
    for (let n = 0; n < 5; n++) {
      await ctx.db.insert("payload", { value: textOf(1_000_000) });
    }
    expect(await sweepExpired(ctx, 7)).toBe(7);
  });
  expect(await kept()).toHaveLength(1);
});

test("large results are swept a few at a time where the platform does not measure", async () => {
  await keep(
    Array.from({ length: 10 }, (_, n) => Date.now() - DAY + n),
    true,
  );
  await pool.run(async (ctx) => {
    await sweepExpired({ ...ctx, meta: undefined } as never);
  });
  expect(await kept()).toHaveLength(6);
  expect(await pool.rows("payload")).toHaveLength(6);
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
