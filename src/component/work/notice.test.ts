import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  appFunction,
  ended,
  failure,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { api } from "../_generated/api.js";
import { HOUR, MINUTE, SECOND } from "../shared.js";
import { MAX_CALLBACK_ATTEMPTS } from "./callbackSchedule.js";
import { PAGE_SIZE } from "./notice.js";

const DELIVERY = "work/notice:deliver";
const told = { onFailed: appFunction("toldWhenAllowed") };

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

/** A work that has failed with `error`. */
async function fail(error: string, changes = {}) {
  const id = await pool.enqueueOne(
    job("action", "act", { key: error }, { ...told, ...changes }),
  );
  const executor = await pool.startByHand();
  await executor.report([ended(executor.attempts()[0]!, failure(error))]);
  return id;
}
const notices = async () => await pool.effects("told");

describe("a pool with onFailed", () => {
  test("tells it once of a work that failed, with what the outcome says", async () => {
    await pool.allow("no seats");
    const id = await fail("no seats", { retryBehavior: undefined });
    await pool.drain();
    expect(await notices()).toMatchObject([
      {
        key: "no seats",
        detail: {
          workId: id,
          fnName: "jobs:act",
          error: "no seats",
          attempts: 1,
          round: 0,
        },
      },
    ]);
    expect(await pool.rows("notice")).toEqual([]);
  });

  test("says nothing of works that succeeded or were canceled", async () => {
    await pool.enqueueOne(job("action", "act", { key: "a" }, told));
    const executor = await pool.startByHand();
    await executor.report([ended(executor.attempts()[0]!)]);
    const later = await pool.enqueueOne(
      job("action", "act", { key: "b" }, { ...told, runAt: Date.now() + HOUR }),
    );
    await pool.cancel(later);
    await pool.drain();
    expect(await notices()).toEqual([]);
    expect(await pool.scheduled(DELIVERY)).toEqual([]);
  });

  test("tells it although nothing of the work is kept, and beside onComplete", async () => {
    await pool.allow("gone");
    const id = await fail("gone", { statusTtl: 0, ...recorded("gone") });
    await pool.drain();
    expect(await notices()).toHaveLength(1);
    expect(await pool.outcomes()).toMatchObject({ gone: [{ kind: "failed" }] });
    expect(await pool.get(id)).toBeNull();
  });

  test("tells it while onComplete still fails, and the other way round", async () => {
    await pool.allow("a");
    const onComplete = {
      fnHandle: appFunction("completedWhenAllowed"),
      context: { key: "never" },
    };
    await fail("a", { onComplete });
    await fail("b", recorded("b"));
    await pool.pass(10 * SECOND);
    expect((await notices()).map(({ key }) => key)).toEqual(["a"]);
    expect(await pool.outcomes()).toMatchObject({ b: [{ kind: "failed" }] });
    expect(await pool.rows("notice")).toHaveLength(1);
  });

  test("tells it of every round that fails", async () => {
    await pool.allow("again");
    const id = await fail("again");
    await pool.run(async (ctx) => {
      await ctx.runMutation(api.works.retry, { id });
    });
    const executor = await pool.startByHand();
    await executor.report([
      ended(executor.attempts().at(-1)!, failure("again")),
    ]);
    await pool.drain();
    const rounds = (await notices()).map(({ detail }) => detail.round);
    expect(rounds).toEqual([0, 1]);
  });
});

describe("an onFailed that throws", () => {
  test("is tried again until it succeeds, and then took effect once", async () => {
    await fail("away");
    await pool.pass(10 * SECOND);
    const [row] = await pool.rows("notice");
    expect(row!.attempts).toBeGreaterThan(2);
    expect(row!.lastError).toContain("the tracker is away");
    await pool.allow("away");
    await pool.drain();
    expect(await notices()).toHaveLength(1);
    expect(await pool.rows("notice")).toEqual([]);
  });

  test("is given up after half an hour, with an event in the log", async () => {
    await fail("away");
    await pool.pass(2 * HOUR);
    expect(await pool.rows("notice")).toEqual([]);
    expect(await pool.unfinished()).toEqual([]);
    const events = vi
      .mocked(console.error)
      .mock.calls.map(([line]) => String(line))
      .filter((line) => line.includes('"noticeGivenUp"'));
    expect(events).toHaveLength(1);
    expect(JSON.parse(events[0]!)).toMatchObject({
      fnName: "jobs:act",
      attempts: MAX_CALLBACK_ATTEMPTS,
    });
  });

  test("is seen in health from the third time on", async () => {
    await fail("away");
    const health = async () =>
      await pool.run(async (ctx) => await ctx.runQuery(api.pool.health, {}));
    expect((await health()).notices.failing.count).toBe(0);
    await pool.pass(30 * SECOND);
    const { notices, problems } = await health();
    expect(notices.failing).toEqual({ count: 1, isAtLeast: false });
    expect(problems.join()).toContain("the tracker is away");
  });

  test("is tried at once by kick, all of them, each once", async () => {
    const count = PAGE_SIZE * 2 + 1;
    await pool.enqueue(
      Array.from({ length: count }, () =>
        job("action", "act", { key: "many", failures: count }, told),
      ),
    );
    await pool.pass(5 * MINUTE);
    const owed = (await pool.rows("notice")).length;
    expect(owed).toBeGreaterThan(PAGE_SIZE);
    const before = (await pool.rows("notice")).map(({ attempts }) => attempts);
    await pool.run(async (ctx) => {
      await ctx.runMutation(api.pool.kick, {});
    });
    await pool.pass(SECOND);
    const after = (await pool.rows("notice")).map(({ attempts }) => attempts);
    expect(after).toEqual(before.map((attempts) => attempts + 1));
  });
});

test("a delivery that was canceled by hand is sent out again when nothing else happens", async () => {
  await pool.allow("lost");
  await fail("lost");
  expect(await pool.cancelScheduled(DELIVERY)).toBe(1);
  await pool.pass(MINUTE);
  expect(await notices()).toHaveLength(1);
  await pool.drain();
});

test("a failure that is delivered twice is told of once", async () => {
  await pool.allow("twice");
  await fail("twice");
  const [delivery] = await pool.scheduled(DELIVERY);
  await pool.drain();
  await pool.run(async (ctx) => {
    const { internal } = await import("../_generated/api.js");
    await ctx.scheduler.runAfter(
      0,
      internal.work.notice.deliver,
      delivery!.args[0],
    );
  });
  await pool.drain();
  expect(await notices()).toHaveLength(1);
});
