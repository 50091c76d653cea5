/** Arguments that are filled in when the work begins. */
import { v } from "convex/values";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { encodeWire } from "../component/work/wire.js";
import { testWork } from "../test.js";
import {
  type AppTest,
  appTest,
  effects,
  jobs,
  mutate,
  pool,
} from "../testing/app.js";
import { attemptOf, Late, thisWork, type ThisWork, vThisWork } from "./late.js";

let t: AppTest;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
  t = appTest();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});
const drain = () => t.finishAllScheduledFunctions(vi.runAllTimers);
const told = async () => (await effects(t, "told")).map(({ detail }) => detail);

describe("thisWork", () => {
  test("tells an action which attempt it is, at each attempt", async () => {
    const retry = { maxAttempts: 3, initialBackoffMs: 10, base: 1 };
    const args = { key: "a", failures: 2, work: thisWork };
    const id = await mutate(t, (ctx) =>
      pool().enqueueAction(ctx, jobs.tellAttempt!, args, {
        retry,
        timeoutMs: 60_000,
      }),
    );
    await drain();
    const seen = await told();
    expect(seen).toMatchObject([
      { id, number: 1 },
      { id, number: 2 },
      { id, number: 3 },
    ]);
    for (const { deadline, at } of seen) {
      expect(deadline).toBeGreaterThan(at);
      expect(deadline).toBeLessThanOrEqual(at + 60_000);
    }
  });

  test("tells a mutation and a query which work they are", async () => {
    const args = { key: "m", work: thisWork };
    const options = { onComplete: jobs.completed as any };
    const ids = await mutate(t, async (ctx) => [
      await pool().enqueueMutation(ctx, jobs.mutateTold!, args, options),
      await pool().enqueueQuery(ctx, jobs.readTold!, args, options),
    ]);
    await drain();
    const outcomes = await effects(t, "completed");
    expect(
      outcomes.map(({ detail }) => detail.result.returnValue).sort(),
    ).toEqual(
      ids.map((id) => ({ id, number: 1, deadline: null })).sort() as any,
    );
  });

  test("may be given in a batch, beside other arguments", async () => {
    const ids = await mutate(t, (ctx) =>
      pool().enqueueActionBatch(ctx, jobs.tellAttempt!, [
        { key: "a", work: thisWork },
        { key: "b", work: thisWork },
      ]),
    );
    await drain();
    expect((await told()).map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  test.each([
    [{ key: { deep: [thisWork] } }, "key.deep.0"],
    [{ key: "a", options: { work: thisWork } }, "options.work"],
  ])("within an argument is refused: %#", async (args, path) => {
    await expect(
      mutate(t, (ctx) =>
        pool().enqueueAction(ctx, jobs.tellAttempt!, args as any),
      ),
    ).rejects.toThrow(
      `thisWork can only be an argument of jobs:tellAttempt itself, not a part of one: ${path}.`,
    );
  });

  test("of another copy of the package is one, too", async () => {
    const copy = new Late<ThisWork>("this");
    Object.setPrototypeOf(copy, class Copy {}.prototype);
    await mutate(t, (ctx) =>
      pool().enqueueAction(ctx, jobs.tellAttempt!, { key: "a", work: copy }),
    );
    await drain();
    expect(await told()).toHaveLength(1);
  });

  test("of a kind that this version does not know is refused", async () => {
    const work = new Late<ThisWork>("result" as never);
    await expect(
      mutate(t, (ctx) =>
        pool().enqueueAction(ctx, jobs.tellAttempt!, { key: "a", work }),
      ),
    ).rejects.toThrow('A late value "result" is not known');
  });

  test("says what it is for, where it is taken for a value", () => {
    expect(() => Object.values(thisWork)).toThrow("can only be an argument");
  });
});

describe("attemptOf", () => {
  test("reads what testWork makes", () => {
    const work = testWork({ number: 3, deadline: 17.5 });
    expect(attemptOf(work)).toEqual({
      id: "testWork",
      number: 3,
      deadline: 17.5,
    });
  });

  test.each([
    ["hello"],
    [""],
    ["workpool:1:id:x:0:"],
    ["workpool:1::1:0:"],
    [undefined],
    [7],
  ])("refuses %j", (work) => {
    expect(() => attemptOf(work as any)).toThrow(
      "the argument that was enqueued as thisWork",
    );
  });

  test("says so when another version has begun the attempt", () => {
    expect(() => attemptOf("workpool:2:whatever" as ThisWork)).toThrow(
      'another version of convex-workpool ("2")',
    );
  });

  test("takes what executors send", () => {
    const wire = encodeWire({ id: "w", number: 2, fence: 4, deadline: null });
    expect(attemptOf(wire as ThisWork)).toEqual({
      id: "w",
      number: 2,
      deadline: null,
    });
  });
});

test("vThisWork validates a string", () => {
  expect(vThisWork.kind).toBe(v.string().kind);
});
