import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  componentTest,
  type ComponentTest,
  handOver,
  item,
  textOf,
} from "../../testing/component.js";
import { api } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import { requeue } from "../queue/entries.js";
import { endWork } from "../work/outcome.js";
import { createLogger } from "../logging.js";
import { type RunResult } from "../shared.js";

let t: ComponentTest;

beforeEach(() => {
  vi.useFakeTimers();
  t = componentTest();
});
afterEach(() => {
  vi.useRealTimers();
});

const enqueue = (count: number, changes = {}) =>
  t.mutation(api.lib.enqueueBatch, {
    items: Array.from({ length: count }, () => item(changes)),
    config: {},
  }) as Promise<Id<"work">[]>;
const status = (id: string) => t.query(api.lib.status, { id });
const get = (id: string) => t.query(api.lib.get, { id });
const retry = (id: Id<"work">, dueAt: number | null) =>
  t.run(async (ctx) => {
    const work = (await ctx.db.get("work", id))!;
    const patch = {
      attempts: (work.attempts ?? 0) + 1,
      lastError: "Error: once",
    };
    await requeue(ctx, [{ work, dueAt, patch }]);
  });
const end = (
  id: Id<"work">,
  result: RunResult,
  changes: Partial<Doc<"work">> = {},
) =>
  t.run(async (ctx) => {
    const work = { ...(await ctx.db.get("work", id))!, ...changes };
    await endWork(ctx, createLogger("ERROR"), work, result, { startedAt: 5 });
  });

describe("status", () => {
  test("follows a work that was enqueued alone through its life", async () => {
    const [id] = await enqueue(1);
    expect(await status(id!)).toEqual({
      state: "pending",
      previousAttempts: 0,
    });
    await handOver(t);
    expect(await status(id!)).toEqual({
      state: "running",
      previousAttempts: 0,
    });
    await retry(id!, Date.now() + 500);
    expect(await status(id!)).toEqual({
      state: "pending",
      previousAttempts: 1,
    });
    await handOver(t);
    expect(await status(id!)).toEqual({
      state: "running",
      previousAttempts: 1,
    });
    await end(id!, { kind: "success", returnValue: null });
    expect(await status(id!)).toEqual({ state: "finished" });
  });

  test("follows a work of a batch likewise", async () => {
    const [id] = await enqueue(3);
    expect(await status(id!)).toEqual({
      state: "pending",
      previousAttempts: 0,
    });
    await handOver(t);
    expect(await status(id!)).toEqual({
      state: "running",
      previousAttempts: 0,
    });
    await retry(id!, null);
    expect(await status(id!)).toEqual({
      state: "pending",
      previousAttempts: 1,
    });
  });

  test("is finished for what never was", async () => {
    const other = await t.run((ctx) => ctx.db.insert("payload", { value: 1 }));
    for (const id of ["", "nonsense", other]) {
      expect(await status(id)).toEqual({ state: "finished" });
      expect(await get(id)).toBeNull();
    }
  });

  test("of many comes in the order of the ids", async () => {
    const ids = await enqueue(40);
    const [alone] = await enqueue(1);
    await end(ids[1]!, { kind: "canceled" });
    expect(
      await t.query(api.lib.statusBatch, {
        ids: [alone!, ids[39]!, "nonsense", ids[1]!, ids[0]!],
      }),
    ).toEqual([
      { state: "pending", previousAttempts: 0 },
      { state: "pending", previousAttempts: 0 },
      { state: "finished" },
      { state: "finished" },
      { state: "pending", previousAttempts: 0 },
    ]);
  });

  test("of more than 2,000 at once is refused", async () => {
    const ids = Array.from({ length: 2001 }, () => "nonsense");
    await expect(t.query(api.lib.statusBatch, { ids })).rejects.toThrow(
      "statusBatch takes at most 2000 ids at once, not 2001.",
    );
  });
});

describe("get", () => {
  test("tells a claimed work from a running one by what its executor has begun", async () => {
    const works = await enqueue(5);
    const [first, second, third, fourth, fifth] = works;
    await handOver(t);
    const states = async () =>
      (await Promise.all(works.map((id) => get(id)))).map(
        (info) => info!.state,
      );
    // Nobody knows of any executor that has them.
    expect(await states()).toEqual(Array(5).fill("claimed"));

    // One has reported: it has two slots, and of its open works the last needs a report.
    const executorId = await t.run(async (ctx) => {
      const executorId = await ctx.db.insert("executor", {
        incarnation: 0,
        scheduledId: null,
        width: 2,
        epoch: 0,
        state: { kind: "open" },
        startedAt: 0,
        first: [first!, second!],
      });
      const delivered = { executorId, bytes: 0 };
      const runningId = await ctx.db.insert("running", {
        ...delivered,
        first: 2,
        works: [third!, fourth!],
      });
      await ctx.db.insert("running", {
        ...delivered,
        first: 4,
        works: [fifth!],
      });
      await ctx.db.insert("executorStats", {
        executorId,
        seq: 1,
        open: [
          { runningId: null, left: [1] },
          { runningId, left: [2, 3] },
        ],
        cursor: 4,
        worksPerSlot: 2,
        beginsBefore: 3,
        lastReportAt: 1,
        tally: { succeeded: 1, failed: 0, retries: 0, canceled: 0 },
      });
      return executorId;
    });
    expect(await states()).toEqual([
      // It has just ended; its row is there because this test did not remove it.
      "claimed",
      "running",
      "running",
      "claimed",
      "claimed",
    ]);

    await t.run((ctx) => ctx.db.patch("executor", executorId, { width: 1 }));
    expect((await states()).slice(1, 3)).toEqual(["running", "claimed"]);
  });

  test("tells of a pending work when it is due", async () => {
    const runAt = Date.now() + 1000;
    const [id] = await enqueue(1, { runAt });
    expect(await get(id!)).toEqual({
      workId: id,
      fnName: "jobs:test",
      fnType: "action",
      state: "pending",
      attempts: 0,
      enqueuedAt: expect.any(Number),
      runAt,
      dueAt: runAt,
    });
  });

  test("tells of a retry why and when", async () => {
    const [id] = await enqueue(1);
    await handOver(t);
    const dueAt = Date.now() + 750;
    await retry(id!, dueAt);
    expect(await get(id!)).toMatchObject({
      state: "pending",
      attempts: 1,
      lastError: "Error: once",
      dueAt,
    });
  });

  test("tells of a finished work its outcome and times", async () => {
    const [id] = await enqueue(1, { statusTtl: 1000 });
    await end(
      id!,
      { kind: "failed", error: "Error: twice" },
      { attempts: 2, lastError: "Error: twice" },
    );
    expect(await get(id!)).toEqual({
      workId: id,
      fnName: "jobs:test",
      fnType: "action",
      state: "finished",
      attempts: 2,
      enqueuedAt: expect.any(Number),
      runAt: Date.now(),
      startedAt: 5,
      finishedAt: Date.now(),
      error: "Error: twice",
      lastError: "Error: twice",
      result: { kind: "failed", error: "Error: twice" },
    });
  });

  test("returns large values whole", async () => {
    const [id] = await enqueue(1, { statusTtl: 1000 });
    const returnValue = textOf(500_000);
    await end(id!, { kind: "success", returnValue });
    expect((await get(id!))!.result).toEqual({ kind: "success", returnValue });
  });

  test("by default keeps failures for a week and nothing else", async () => {
    const [good, bad, gone] = await enqueue(3);
    await end(good!, { kind: "success", returnValue: 1 });
    await end(bad!, { kind: "failed", error: "Error" });
    await end(gone!, { kind: "canceled" });
    expect(await get(good!)).toBeNull();
    expect(await get(gone!)).toBeNull();

    const week = 7 * 24 * 3600 * 1000;
    vi.setSystemTime(Date.now() + week - 1);
    expect(await get(bad!)).not.toBeNull();
    vi.setSystemTime(Date.now() + 1);
    expect(await get(bad!)).toBeNull();
  });
});
