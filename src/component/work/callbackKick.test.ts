import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { job, ProtocolTest, recorded } from "../../testing/protocol.js";
import { api } from "../_generated/api.js";
import type { Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { scheduleCallback } from "./callback.js";
import { PAGE_SIZE } from "./callbackKick.js";
import { callbackWaitMs, MAX_CALLBACK_ATTEMPTS } from "./callbackSchedule.js";
import { MINUTE, SECOND } from "../shared.js";

const DELIVERY = "work/callback:deliver";
const PAGE = "work/callbackKick:page";

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

const kick = () => pool.t.mutation(api.pool.kick, {});

/** Works that were canceled, whose callbacks refuse and have been tried a few times. */
async function owe(count: number, failures = 4): Promise<Id<"work">[]> {
  const keys = Array.from({ length: count }, (_, index) => `${index}`);
  const ids = await pool.enqueue(
    keys.map((key) =>
      job("action", "act", { key }, recorded(key, "completedWhenAllowed")),
    ),
    { maxParallelism: 0 },
  );
  for (const id of ids) await pool.cancel(id);
  while ((await attempts()).some((each) => each < failures)) {
    await pool.pass(SECOND);
  }
  return ids;
}
const owed = () => pool.rows("complete");
const attempts = async () =>
  (await owed()).map(({ callback }) => callback!.attempts);
const completed = async () =>
  Object.values(await pool.outcomes()).map((outcomes) => outcomes.length);
/** A callback that has failed four times. */
async function insertOwed(
  ctx: MutationCtx,
  workId: Id<"work">,
  key: string,
  dueAt: number,
): Promise<void> {
  const { fnHandle, context } = recorded(
    key,
    "completedWhenAllowed",
  ).onComplete;
  const callback = {
    fnHandle,
    context,
    attempts: 4,
    state: "owed" as const,
    dueAt,
  };
  const now = Date.now();
  const completeId = await ctx.db.insert("complete", {
    workId,
    fnType: "action",
    fnName: "jobs:act",
    result: { kind: "canceled" },
    attempts: 0,
    enqueuedAt: now,
    runAt: now,
    finishedAt: now,
    expiresAt: null,
    ttl: 0,
    callback,
  });
  await scheduleCallback(ctx, completeId, callback, dueAt);
}
/** The next try is further away than the test lets time pass. */
const NEXT_TRY_MS = callbackWaitMs(4, 0);

describe("kick", () => {
  test("has owed callbacks tried at once, each once", async () => {
    await owe(3);
    for (const key of ["0", "1", "2"]) await pool.allow(key);
    await kick();
    await pool.pass(SECOND / 2);
    expect(await completed()).toEqual([1, 1, 1]);
    expect(await pool.scheduled(DELIVERY)).toEqual([]);
    await pool.pass(2 * NEXT_TRY_MS);
    expect(await completed()).toEqual([1, 1, 1]);
    expect(await owed()).toEqual([]);
  });

  test("leaves one delivery for each that fails again, at its usual time", async () => {
    await owe(2);
    const before = await attempts();
    await kick();
    await pool.pass(SECOND / 2);
    expect(await attempts()).toEqual(before.map((each) => each + 1));
    expect(await pool.scheduled(DELIVERY)).toHaveLength(2);
    for (const { callback } of await owed()) {
      expect(callback!.dueAt! - Date.now()).toBeGreaterThan(NEXT_TRY_MS / 2);
    }
  });

  test("goes on page by page, and tries each once although it fails again", async () => {
    const count = 2 * PAGE_SIZE + 1;
    const dueAt = Date.now() + MINUTE;
    const workId = await pool.enqueueOne(job("action", "act", {}), {
      maxParallelism: 0,
    });
    await pool.run(async (ctx) => {
      for (let n = 0; n < count; n++) {
        await insertOwed(ctx, workId, `${n}`, dueAt);
      }
    });
    pool.moment();
    await kick();
    await pool.pass(SECOND / 4);
    expect(await attempts()).toEqual(Array(count).fill(5));
    expect(await pool.scheduled(DELIVERY)).toHaveLength(count);
    expect(await pool.scheduled(PAGE)).toEqual([]);
  });

  test("counts a delivery that was canceled by hand as failed, and sends another", async () => {
    const [id] = await owe(1);
    const [before] = await attempts();
    await pool.cancelScheduled(DELIVERY);
    await kick();
    await pool.pass(SECOND / 2);
    expect((await pool.get(id!))!.callback).toMatchObject({
      state: "owed",
      attempts: before! + 2,
      lastError: expect.stringContaining("not allowed yet"),
    });
  });

  test("gives no callback up early, however often it comes", async () => {
    const [id] = await owe(1, 1);
    for (let n = 0; n < 2 * MAX_CALLBACK_ATTEMPTS; n++) {
      await kick();
      await pool.pass(SECOND);
    }
    const { callback } = (await pool.get(id!))!;
    expect(callback!.state).toBe("owed");
    expect(callback!.attempts).toBeGreaterThan(MAX_CALLBACK_ATTEMPTS);
    await pool.pass(35 * MINUTE);
    expect((await pool.get(id!))!.callback).toMatchObject({ state: "failed" });
  });

  test("schedules nothing where nothing is owed", async () => {
    await kick();
    expect(await pool.scheduled(PAGE)).toEqual([]);
  });
});
