/** What a handler throws, and what is kept of it: works that ask to be tried later, data of errors, history. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { job, ProtocolTest, recorded } from "../../testing/protocol.js";
import { internal } from "../_generated/api.js";
import { DAY, MINUTE, SECOND } from "../shared.js";
import type { Item } from "../work/enqueue.js";

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

const KINDS = [
  ["action", "actFrom"],
  ["mutation", "mutateFrom"],
  ["query", "readFrom"],
] as const;
const work = (
  [fnType, name]: readonly [Item["fnType"], string],
  args: object,
  changes: Partial<Item> = {},
) => job(fnType, name, { key: "k", ...args }, { ...recorded("k"), ...changes });

describe.each(KINDS)("a %s that asks to be tried later", (...kind) => {
  test("waits as long as it asked, counts no attempt, and then goes on", async () => {
    const until = Date.now() + 10 * MINUTE;
    const id = await pool.enqueueOne(work(kind, { until }));
    const { runAt } = (await pool.work(id))!;
    await pool.pass(10 * MINUTE - SECOND);
    expect(await pool.status(id)).toEqual({
      state: "pending",
      previousAttempts: 0,
    });
    expect(await pool.work(id)).toMatchObject({
      runAt,
      postponed: 1,
      fence: 1,
    });
    expect(await pool.effects("mutation")).toEqual([]);
    await pool.pass(2 * SECOND);
    await pool.drain();
    expect(await pool.outcomes()).toMatchObject({ k: [{ kind: "success" }] });
    expect(await pool.rows("work")).toEqual([]);
  });

  test("is kept waiting by nobody: an idle pool wakes for it", async () => {
    await pool.enqueueOne(work(kind, { until: Date.now() + 30 * SECOND }));
    await pool.pass(35 * SECOND);
    expect(await pool.outcomes()).toMatchObject({ k: [{ kind: "success" }] });
  });

  test("fails when it has done so a thousand times", async () => {
    const id = await pool.enqueueOne(work(kind, { until: Date.now() + DAY }));
    await pool.run((ctx) => ctx.db.patch("work", id, { postponed: 1_000 }));
    await pool.pass(5 * SECOND);
    expect(await pool.outcomes()).toMatchObject({
      k: [
        {
          kind: "failed",
          error: expect.stringContaining("put off 1000 times"),
        },
      ],
    });
  });

  test("ends as canceled where it was canceled meanwhile", async () => {
    const id = await pool.enqueueOne(work(kind, { until: Date.now() + DAY }));
    await pool.pass(SECOND);
    await pool.cancel(id);
    await pool.pass(SECOND);
    expect(await pool.outcomes()).toEqual({ k: [{ kind: "canceled" }] });
  });

  test("fails as expired where that is too late", async () => {
    const changes = { expireAt: Date.now() + MINUTE };
    await pool.enqueueOne(work(kind, { until: Date.now() + DAY }, changes));
    await pool.pass(5 * SECOND);
    expect(await pool.outcomes()).toMatchObject({
      k: [{ kind: "failed", error: expect.stringContaining("expired") }],
    });
  });
});

test("a transaction that was put off runs under a new fence alone", async () => {
  const until = Date.now() + MINUTE;
  const id = await pool.enqueueOne(work(KINDS[1], { until }));
  await pool.startByHand();
  const run = () =>
    pool.t.mutation(internal.executor.transaction.run, {
      workId: id,
      fence: 0,
      inlineCallback: true,
    });
  expect(await run()).toBe("postponed");
  expect(await run()).toBe("superseded");
});

test("a transaction does not begin that may not any more", async () => {
  const changes = { expireAt: Date.now() + MINUTE };
  const id = await pool.enqueueOne(work(KINDS[1], { until: 0 }, changes));
  await pool.startByHand();
  vi.setSystemTime(Date.now() + MINUTE);
  const outcome = await pool.t.mutation(internal.executor.transaction.run, {
    workId: id,
    fence: 0,
    inlineCallback: true,
  });
  expect(outcome).toBe("failed");
  expect(await pool.effects("mutation")).toEqual([]);
  expect(await pool.rows("complete")).toMatchObject([{ reason: "expired" }]);
});

describe.each([
  ["action", "actWithData"],
  ["mutation", "mutateWithData"],
] as const)("the data of the error that a %s fails with", (...kind) => {
  const failWith = async (data: unknown) => {
    await pool.enqueueOne(work(kind, { data }));
    await pool.pass(5 * SECOND);
    const row = (await pool.rows("complete")).at(-1)!;
    expect(row).toMatchObject({ result: { kind: "failed" } });
    return Object.keys(row).includes("errorData") ? [row.errorData] : [];
  };

  test("is kept beside the outcome, and no callback sees it", async () => {
    const data = { code: "SOLD_OUT", left: 0 };
    expect(await failWith(data)).toEqual([data]);
    const [callback] = await pool.effects("completed");
    expect(callback!.detail.result).toEqual({
      kind: "failed",
      error: expect.any(String),
    });
  });

  test("is not kept where it is large", async () => {
    expect(await failWith("x".repeat(7_990))).toHaveLength(1);
    expect(await failWith("x".repeat(8_001))).toHaveLength(0);
  });
});

describe("the history of a work", () => {
  const retryBehavior = { maxAttempts: 20, initialBackoffMs: 100, base: 1 };
  const act = (changes: Partial<Item>, failures: number) =>
    job("action", "act", { key: "k", failures }, { retryBehavior, ...changes });

  test("goes with a work that succeeded in the end, where its outcome is kept", async () => {
    const statusTtl = { success: DAY };
    await pool.enqueueOne(act({ statusTtl }, 12));
    await pool.drain();
    const [row] = await pool.rows("complete");
    expect(row).toMatchObject({ attempts: 13 });
    const { history } = row!;
    expect(history!.map(({ number }) => number)).toEqual([
      3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ]);
    for (const { startedAt, endedAt, error, number, reason } of history!) {
      expect(startedAt).toBeLessThanOrEqual(endedAt);
      expect(error).toContain(`attempt ${number} of k failed`);
      expect(reason).toBeUndefined();
    }
    expect(history![1]!.startedAt).toBeGreaterThan(history![0]!.endedAt);
  });

  test("has the last attempt of one that failed", async () => {
    await pool.enqueueOne(act({ retryBehavior: undefined }, 1));
    await pool.drain();
    expect(await pool.rows("work")).toMatchObject([
      { history: [{ number: 1 }] },
    ]);
  });

  test("is not written for one that succeeds at once", async () => {
    await pool.enqueueOne(act({ statusTtl: { success: DAY } }, 0));
    await pool.drain();
    const [row] = await pool.rows("complete");
    expect(row).not.toHaveProperty("history");
    expect(row).not.toHaveProperty("reason");
  });
});
