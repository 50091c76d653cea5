import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  appFunction,
  ended,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { nextOwedCallback, owedCursor } from "./callback.js";
import { MAX_CALLBACK_ATTEMPTS } from "./callbackSchedule.js";
import { DAY, HOUR, MINUTE, SECOND } from "../shared.js";
import { LATE_MS } from "../timeCursor.js";

const DELIVERY = "work/callback:deliver";

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

const reluctant = recorded("a", "completedWhenAllowed");

/** A work that has succeeded, and whose callback has failed once. */
async function owe(changes = {}) {
  const [id] = await pool.enqueue([
    job("action", "act", { key: "a" }, { ...reluctant, ...changes }),
  ]);
  const executor = await pool.startByHand();
  const next = executor.attempts();
  await executor.report([ended(next[0]!)]);
  return id!;
}
const callbackOf = async (id: string) => (await pool.get(id))?.callback;
const dueAt = async () => {
  const [row] = await pool.rows("complete");
  return row!.callback!.dueAt;
};

describe("a callback that fails", () => {
  test("is owed: visible with its error, and so is the outcome", async () => {
    const id = await owe();
    expect(await pool.get(id)).toMatchObject({
      state: "finished",
      result: { kind: "success", returnValue: "done" },
      callback: {
        state: "owed",
        attempts: 1,
        lastError: expect.stringContaining("not allowed yet"),
      },
    });
    expect(await pool.effects("completed")).toEqual([]);
  });

  test("is tried again until it succeeds, and then took effect once", async () => {
    const id = await owe();
    await pool.pass(10 * SECOND);
    expect((await callbackOf(id))!.attempts).toBeGreaterThan(2);
    await pool.allow("a");
    await pool.drain();
    expect(await pool.outcomes()).toEqual({
      a: [{ kind: "success", returnValue: "done" }],
    });
    // Nothing was to be retained beyond the callback.
    expect(await pool.get(id)).toBeNull();
    expect(await pool.rows("complete")).toEqual([]);
  });

  test("leaves the outcome for the rest of its time when it has succeeded", async () => {
    const id = await owe({ statusTtl: HOUR });
    await pool.allow("a");
    await pool.drain();
    expect(await pool.get(id)).toMatchObject({
      result: { kind: "success" },
      callback: { state: "done" },
    });
    expect((await pool.get(id))!.callback).not.toHaveProperty("context");
  });

  test("waits longer each time", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const id = await owe();
    const waits: number[] = [];
    for (let attempts = 2; attempts <= 5; attempts++) {
      const before = (await dueAt())!;
      while ((await callbackOf(id))!.attempts < attempts) {
        await pool.pass(100);
      }
      waits.push((await dueAt())! - before);
    }
    const longer = waits.every((wait, i) => i === 0 || wait > waits[i - 1]!);
    expect(longer).toBe(true);
  });

  test("is given up after its last attempt, and stays visible", async () => {
    const id = await owe();
    await pool.pass(2 * HOUR);
    expect(await callbackOf(id)).toMatchObject({
      state: "failed",
      attempts: MAX_CALLBACK_ATTEMPTS,
      lastError: expect.stringContaining("not allowed yet"),
    });
    expect(await pool.unfinished()).toEqual([]);
    expect(console.error).toHaveBeenCalledWith(
      expect.stringContaining("given up"),
    );
    vi.setSystemTime(Date.now() + 8 * DAY);
    expect(await pool.get(id)).toBeNull();
  });

  test("keeps a large context and result until it has succeeded, and no longer", async () => {
    const text = "x".repeat(100_000);
    await pool.enqueue([
      job(
        "action",
        "act",
        { key: "a" },
        {
          onComplete: {
            fnHandle: appFunction("completedWhenAllowed"),
            context: { key: "a", text },
          },
        },
      ),
    ]);
    const executor = await pool.startByHand();
    const next = executor.attempts();
    await executor.report([
      ended(next[0]!, { kind: "success", returnValue: text }),
    ]);
    expect(await pool.rows("payload")).toHaveLength(2);
    await pool.allow("a");
    await pool.drain();
    expect(await pool.outcomes()).toEqual({
      a: [{ kind: "success", returnValue: text }],
    });
    expect(await pool.rows("payload")).toEqual([]);
  });
});

describe("a callback whose delivery was canceled by hand", () => {
  test("is sent out again by the guard", async () => {
    const id = await owe();
    await pool.allow("a");
    expect(await pool.cancelScheduled(DELIVERY)).toBe(1);
    await pool.drain();
    expect(await pool.outcomes()).toEqual({
      a: [{ kind: "success", returnValue: "done" }],
    });
    expect(await pool.get(id)).toBeNull();
  });

  test("counts as failed, because it may have taken its transaction down", async () => {
    const id = await owe();
    await pool.cancelScheduled(DELIVERY);
    await pool.guard();
    expect(await callbackOf(id)).toMatchObject({
      state: "owed",
      attempts: 2,
      lastError: "The callback's delivery was canceled or lost.",
    });
  });

  test("is sent out again also when nothing else ever happens in the pool", async () => {
    const id = await pool.enqueueOne(
      job(
        "action",
        "act",
        { key: "a" },
        { ...recorded("a"), runAt: Date.now() + DAY },
      ),
    );
    await pool.cancel(id);
    await pool.cancelScheduled(DELIVERY);
    await pool.pass(MINUTE);
    expect(await pool.outcomes()).toEqual({ a: [{ kind: "canceled" }] });
    await pool.drain();
  });

  test("is left alone while it is on its way, however late", async () => {
    const id = await owe();
    const late = Date.now() + MINUTE;
    vi.setSystemTime(late);
    await pool.guard();
    expect((await callbackOf(id))!.attempts).toBe(1);
  });
});

test("a callback delivered twice runs once", async () => {
  const id = await owe({ statusTtl: HOUR });
  await pool.allow("a");
  const [delivery] = await pool.scheduled(DELIVERY);
  await pool.drain();
  await pool.run(async (ctx) => {
    await ctx.scheduler.runAfter(
      0,
      DELIVERY as unknown as Parameters<typeof ctx.scheduler.runAfter>[1],
      delivery!.args[0],
    );
  });
  await pool.pass(SECOND);
  expect(await pool.effects("completed")).toHaveLength(1);
  expect(await callbackOf(id)).toMatchObject({ state: "done", attempts: 1 });
});

test("the guard looks for owed callbacks from a cursor on, which none lies behind", async () => {
  const now = Date.now();
  const owedAt = (cursor?: number) =>
    pool.run((ctx) => nextOwedCallback(ctx, now, cursor));
  expect(owedCursor(await owedAt(), now)).toBe(now - LATE_MS);

  const id = await pool.enqueueOne(
    job(
      "action",
      "act",
      { key: "a" },
      {
        onComplete: { fnHandle: "function://x", context: null },
      },
    ),
  );
  await pool.cancel(id);
  expect(await owedAt()).toBe(now + 10 * SECOND);
  expect(await owedAt(now - LATE_MS)).toBe(now + 10 * SECOND);
  expect(owedCursor(await owedAt(), now)).toBe(now - LATE_MS);

  // Still owed much later: the cursor stays with it.
  const later = now + 10 * LATE_MS;
  const cursor = owedCursor(now + 10 * SECOND, later);
  expect(cursor).toBe(now);
  expect(await pool.run((ctx) => nextOwedCallback(ctx, later, cursor))).toBe(
    now + 10 * SECOND,
  );
  expect(
    await pool.run((ctx) => nextOwedCallback(ctx, later, cursor + 1)),
  ).toBeNull();
});
