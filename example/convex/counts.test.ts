import { convexTest } from "convex-test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import { read, record } from "./counts.js";
import schema from "./schema.js";

const modules = import.meta.glob("./**/*.*s");

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function setUp() {
  const t = convexTest(schema, modules);
  const endpointId = await t.run((ctx) =>
    ctx.db.insert("endpoints", {
      name: "audit-log",
      url: "http://example.test",
      events: ["*"],
      secret: "s3cret",
      timeoutMs: 1000,
    }),
  );
  return { t, endpointId };
}

type Setup = Awaited<ReturnType<typeof setUp>>;

async function recordMany({ t, endpointId }: Setup, count: number) {
  await t.run(async (ctx) => {
    for (let i = 0; i < count; i++) {
      await record(ctx, endpointId, i % 2 ? "success" : "accepted");
    }
  });
}

function counts({ t, endpointId }: Setup) {
  return t.run((ctx) => read(ctx, endpointId));
}

function ledgerSize({ t }: Setup) {
  return t.run(async (ctx) => (await ctx.db.query("ledger").collect()).length);
}

test("counts are the same before and after a fold", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.99);
  const setup = await setUp();
  await recordMany(setup, 10);
  const expected = {
    accepted: 5,
    success: 5,
    failed: 0,
    canceled: 0,
    replaced: 0,
  };
  expect(await counts(setup)).toEqual(expected);

  vi.advanceTimersByTime(10_000);
  const { endpointId } = setup;
  await setup.t.mutation(internal.counts.fold, { endpointId });
  expect(await ledgerSize(setup)).toBe(0);
  expect(await counts(setup)).toEqual(expected);

  await recordMany(setup, 2);
  expect(await counts(setup)).toEqual({ ...expected, accepted: 6, success: 6 });
});

test("a delivery that was reopened is not failed any more, before and after a fold", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.99);
  const setup = await setUp();
  const { t, endpointId } = setup;
  await t.run(async (ctx) => {
    for (const change of ["failed", "failed", "reopened"] as const) {
      await record(ctx, endpointId, change);
    }
  });
  expect(await counts(setup)).toMatchObject({ failed: 1 });
  vi.advanceTimersByTime(10_000);
  await t.mutation(internal.counts.fold, { endpointId });
  expect(await counts(setup)).toMatchObject({ failed: 1 });
});

test("a fold leaves young entries to those who are still adding", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.99);
  const setup = await setUp();
  await recordMany(setup, 4);
  const { endpointId } = setup;
  await setup.t.mutation(internal.counts.fold, { endpointId });
  expect(await ledgerSize(setup)).toBe(4);
});

test("whoever draws the lot schedules a fold, which goes on until it is done", async () => {
  vi.spyOn(Math, "random").mockReturnValueOnce(0).mockReturnValue(0.99);
  const setup = await setUp();
  await recordMany(setup, 1_200);
  vi.advanceTimersByTime(10_000);
  await setup.t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await ledgerSize(setup)).toBe(0);
  expect(await counts(setup)).toMatchObject({ accepted: 600, success: 600 });
});

test("the counts of endpoints are kept apart", async () => {
  const setup = await setUp();
  const other = await setup.t.run(async (ctx) => {
    const { _id, _creationTime, ...endpoint } = (await ctx.db.get(
      "endpoints",
      setup.endpointId,
    ))!;
    return ctx.db.insert("endpoints", { ...endpoint, name: "other" });
  });
  await recordMany(setup, 4);
  const none: Id<"endpoints"> = other;
  expect(await counts({ ...setup, endpointId: none })).toEqual({
    accepted: 0,
    success: 0,
    failed: 0,
    canceled: 0,
    replaced: 0,
  });
});
