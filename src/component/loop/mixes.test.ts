/**
 * Random mixes of work, cancelations and changed limits from a seed, run to the
 * end: whatever happens, each work has one outcome, and nothing is left over.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { inFlight } from "../../testing/app/jobs.js";
import {
  job,
  poolFunction,
  ProtocolTest,
  appFunction,
} from "../../testing/protocol.js";
import { randomFrom } from "../../testing/random.js";
import type { Item } from "../work/enqueue.js";
import { SECOND } from "../shared.js";

let pool: ProtocolTest;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
  pool = new ProtocolTest();
});
afterEach(() => {
  // Nobody had to help: every work was started by the wake-up meant for it.
  expect(console.warn).not.toHaveBeenCalledWith(
    expect.stringContaining("no sign of life"),
  );
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A work of some kind, and the outcomes it may have if it is not canceled. */
function anyWork(
  random: (below: number) => number,
  key: string,
): { item: Item; expected: string } {
  const kind = ["action", "action", "mutation", "query"][random(4)];
  const failures = [0, 0, 0, 1, 9][random(5)]!;
  const changes: Partial<Item> = {
    onComplete: { fnHandle: appFunction("completed"), context: { key } },
    ...(random(4) === 0 ? { runAt: Date.now() + random(3 * SECOND) } : {}),
    ...(random(2) === 0
      ? { retryBehavior: { maxAttempts: 3, initialBackoffMs: 80, base: 2 } }
      : {}),
  };
  if (kind === "action") {
    const succeeds = failures < (changes.retryBehavior ? 3 : 1);
    return {
      item: job("action", "act", { key, ms: random(120), failures }, changes),
      expected: succeeds ? "success" : "failed",
    };
  }
  if (kind === "mutation") {
    const fail = failures > 0;
    return {
      item: job("mutation", "mutate", { key, fail }, changes),
      expected: fail ? "failed" : "success",
    };
  }
  return { item: job("query", "read", { key }, changes), expected: "success" };
}

test.each([1, 2, 3, 4])("a mix of works, seed %i", async (seed) => {
  const random = randomFrom(seed);
  // Math.random decides about jitter.
  vi.spyOn(Math, "random").mockImplementation(() => random(1000) / 1000);
  const expected = new Map<string, string>();
  const ids = new Map<string, string>();
  const canceled = new Set<string>();
  let limit = 1 + random(12);
  await pool.setLimit(limit);

  for (let round = 0; round < 12; round++) {
    const items: Item[] = [];
    const keys: string[] = [];
    for (let count = 1 + random(16); count > 0; count--) {
      const key = `w${expected.size}`;
      const work = anyWork(random, key);
      expected.set(key, work.expected);
      items.push(work.item);
      keys.push(key);
    }
    const newIds =
      random(2) === 0
        ? await pool.enqueue(items)
        : await Promise.all(items.map((each) => pool.enqueueOne(each)));
    keys.forEach((key, index) => ids.set(key, newIds[index]!));

    if (random(3) === 0) {
      const key = `w${random(expected.size)}`;
      canceled.add(key);
      await pool.cancel(ids.get(key)!);
    }
    if (random(4) === 0) {
      const lowered = 1 + random(12);
      await pool.setLimit(lowered);
      // What runs may go on, at most 120 ms, and the tick takes a moment.
      if (lowered < limit) await pool.pass(300);
      limit = lowered;
      inFlight.most = inFlight.now;
    }
    await pool.pass(random(400));
    expect(inFlight.most).toBeLessThanOrEqual(limit);
  }
  await pool.drain();
  expect(inFlight.most).toBeLessThanOrEqual(limit);

  const outcomes = await pool.outcomes();
  expect(Object.keys(outcomes).sort()).toEqual([...expected.keys()].sort());
  for (const [key, results] of Object.entries(outcomes)) {
    const kinds = results.map(({ kind }) => kind);
    if (canceled.has(key)) {
      expect(kinds).toHaveLength(1);
      expect([expected.get(key), "canceled"]).toContain(kinds[0]);
    } else {
      expect([key, ...kinds]).toEqual([key, expected.get(key)]);
    }
  }
  await expectNothingLeft();
});

test("several hundred works enqueued at once, some by callbacks", async () => {
  const more = (key: string) => ({
    ...job(
      "mutation",
      "mutate",
      { key },
      {
        onComplete: { fnHandle: appFunction("completed"), context: { key } },
      },
    ),
    config: {},
  });
  const items = Array.from({ length: 300 }, (_, index) => {
    const key = `k${index}`;
    const calls =
      index % 10 === 0
        ? [{ handle: poolFunction("enqueue"), args: more(`more ${index}`) }]
        : [];
    return job(
      index % 2 === 0 ? "mutation" : "action",
      index % 2 === 0 ? "mutate" : "act",
      { key },
      {
        onComplete: {
          fnHandle: appFunction("completedCalling"),
          context: { key, calls },
        },
      },
    );
  });
  await pool.enqueue(items, { maxParallelism: 50 });
  await pool.drain();
  const outcomes = await pool.outcomes();
  expect(Object.keys(outcomes)).toHaveLength(330);
  expect(Object.values(outcomes).every(({ length }) => length === 1)).toBe(
    true,
  );
  expect(await pool.effects("attempt")).toHaveLength(150);
  expect(await pool.effects("mutation")).toHaveLength(180);
  await expectNothingLeft();
});

async function expectNothingLeft(): Promise<void> {
  expect(await pool.liveWorks()).toEqual([]);
  // The row of a work that failed stays, and so does what it carries.
  const kept = (await pool.rows("work")).flatMap(({ argsId, onComplete }) => [
    argsId,
    onComplete?.contextId,
  ]);
  for (const { _id } of await pool.rows("payload")) {
    expect(kept).toContain(_id);
  }
  const tables = [
    "pendingStart",
    "running",
    "executor",
    "executorStats",
  ] as const;
  for (const table of tables) {
    expect([table, await pool.rows(table)]).toEqual([table, []]);
  }
  // Failures are retained; nothing is owed.
  for (const { result, callback } of await pool.rows("complete")) {
    expect(result.kind).toBe("failed");
    expect(callback).toBeUndefined();
  }
  expect(await pool.unfinished()).toEqual([]);
  expect(await pool.runStatus()).toMatchObject({
    state: { kind: "idle" },
    validUntil: null,
  });
  expect(await pool.loopState()).toMatchObject({ assigned: [], watch: null });
}
