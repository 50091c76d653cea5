/** What attempts arrange to follow: what is called, and what is refused. */
import { describe, expect, test } from "vitest";
import { encodeWire } from "../component/work/wire.js";
import { testWork } from "../test.js";
import { component } from "../testing/app.js";
import type { ActionCtx } from "./context.js";
import { type ThisWork, thisWork } from "./late.js";
import type { WorkId } from "./types.js";
import { Workpool } from "./workpool.js";

const pool = new Workpool(component);
const work = encodeWire({
  id: "w",
  number: 2,
  fence: 1,
  deadline: null,
}) as ThisWork;

function action(answer: string = "noted") {
  const calls: unknown[] = [];
  const ctx = {
    runAction: async () => null,
    runQuery: async () => null,
    runMutation: async (_: unknown, args: unknown) => {
      calls.push(args);
      return answer;
    },
  } as unknown as ActionCtx;
  return { ctx, calls };
}

describe("continueWith", () => {
  test("is one call, which tells the attempt and the arguments", async () => {
    const { ctx, calls } = action();
    await pool.continueWith(ctx, work, { page: 2, self: thisWork });
    expect(calls).toEqual([
      { id: "w", fence: 1, fnArgs: { page: 2 }, late: { self: "this" } },
    ]);
  });

  test.each(["canceled", "superseded"])(
    "throws the reason where the attempt is %s",
    async (kind) => {
      const { ctx } = action(kind);
      await expect(pool.continueWith(ctx, work, {})).rejects.toMatchObject({
        name: "AttemptAbortedError",
        kind,
      });
    },
  );

  test("ends the work after too many hops", async () => {
    const { ctx } = action("tooManyHops");
    await expect(pool.continueWith(ctx, work, {})).rejects.toThrow(
      "The work has gone on 10000 times",
    );
  });

  test("refuses what it cannot do before it calls anybody", async () => {
    const { ctx, calls } = action();
    await expect(
      pool.continueWith(ctx, "nonsense" as ThisWork, {}),
    ).rejects.toThrow("An attempt is attached to by");
    await expect(pool.continueWith(ctx, work, null as never)).rejects.toThrow(
      "must be an object of arguments, not null",
    );
    await expect(
      pool.continueWith(ctx, work, { page: "x".repeat(1_000_001) }),
    ).rejects.toThrow("may have at most 1000000 bytes");
    const mutation = { runMutation: ctx.runMutation } as ActionCtx;
    await expect(pool.continueWith(mutation, work, {})).rejects.toThrow(
      "needs the ctx of an action",
    );
    expect(calls).toEqual([]);
  });

  test("calls nobody in tests of handlers", async () => {
    const { ctx, calls } = action();
    await pool.continueWith(ctx, testWork(), { page: 2 });
    expect(calls).toEqual([]);
  });
});

describe("suspend", () => {
  test("is one call, which tells the attempt and the time-out", async () => {
    const { ctx, calls } = action();
    await pool.suspend(ctx, work, { timeoutMs: 60_000 });
    expect(calls).toEqual([{ id: "w", fence: 1, timeoutMs: 60_000 }]);
  });

  test("refuses what it cannot do before it calls anybody", async () => {
    const { ctx, calls } = action();
    const suspend = (options: unknown) =>
      pool.suspend(ctx, work, options as { timeoutMs: number });
    await expect(suspend({ timeout: 1 })).rejects.toThrow(
      'Did you mean "timeoutMs"?',
    );
    await expect(suspend({})).rejects.toThrow("timeoutMs must be a number");
    await expect(suspend(null)).rejects.toThrow("an object with timeoutMs");
    expect(calls).toEqual([]);
  });
});

describe("complete and fail", () => {
  test("tell what came of it", async () => {
    const { ctx, calls } = action("completed");
    const id = "w" as WorkId;
    expect(await pool.complete(ctx, id)).toBe("completed");
    expect(await pool.fail(ctx, id, "no luck")).toBe("completed");
    expect(calls).toEqual([
      { id: "w", result: null },
      { id: "w", error: "no luck" },
    ]);
  });

  test("refuse what cannot be kept before they call anybody", async () => {
    const { ctx, calls } = action();
    const id = "w" as WorkId;
    await expect(pool.complete(ctx, id, "x".repeat(1_000_001))).rejects.toThrow(
      "may have at most 1000000 bytes",
    );
    await expect(pool.fail(ctx, id, new Error("x") as never)).rejects.toThrow(
      "error must be a string of 1 to 10000 characters",
    );
    expect(calls).toEqual([]);
  });
});
