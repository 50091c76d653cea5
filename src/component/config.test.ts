import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  componentTest,
  type ComponentTest,
  item,
} from "../testing/component.js";
import { api } from "./_generated/api.js";
import { type Declaration, effectiveConfig } from "./queue/configRow.js";
import { DECLARE_INTERVAL_MS } from "./queue/declaration.js";
import { effective } from "./queue/settings.js";

let t: ComponentTest;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => {});
  t = componentTest();
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const declare = (config: Declaration) =>
  t.mutation(api.lib.enqueue, { ...item(), config });
const update = (change: {
  maxParallelism?: number | null;
  logLevel?: "INFO" | null;
}) => t.mutation(api.config.update, change);
const inForce = () => t.run((ctx) => effectiveConfig(ctx));
const aMinuteLater = () => vi.setSystemTime(Date.now() + DECLARE_INTERVAL_MS);
const ticks = async () =>
  (await t.run((ctx) => ctx.db.system.query("_scheduled_functions").collect()))
    .length;

test("the defaults are in force until somebody says otherwise", async () => {
  expect(await inForce()).toEqual({
    maxParallelism: 10,
    logLevel: "REPORT",
    epoch: 0,
    lacks: [],
  });
});

test("the first enqueue declares", async () => {
  await declare({ maxParallelism: 3, logLevel: "WARN" });
  expect(await inForce()).toMatchObject({
    maxParallelism: 3,
    logLevel: "WARN",
  });
});

test("an enqueue that does not mention a value leaves it as it was", async () => {
  await declare({ maxParallelism: 3 });
  aMinuteLater();
  await declare({ logLevel: "WARN" });
  expect(await inForce()).toMatchObject({
    maxParallelism: 3,
    logLevel: "WARN",
  });
});

test("a value set at run time stays in force although enqueues declare another", async () => {
  await declare({ maxParallelism: 3 });
  await update({ maxParallelism: 0 });
  for (const maxParallelism of [3, 4, 5]) {
    aMinuteLater();
    await declare({ maxParallelism });
    expect((await inForce()).maxParallelism).toBe(0);
  }
  await update({ maxParallelism: null });
  expect((await inForce()).maxParallelism).toBe(5);
});

test("settings can be changed before the first enqueue", async () => {
  await update({ maxParallelism: 0, logLevel: "INFO" });
  await declare({ maxParallelism: 3 });
  expect(await inForce()).toMatchObject({
    maxParallelism: 0,
    logLevel: "INFO",
  });
  await update({ maxParallelism: null, logLevel: null });
  expect(await inForce()).toMatchObject({
    maxParallelism: 3,
    logLevel: "REPORT",
  });
});

test("pools that disagree write once a minute, with a warning in between", async () => {
  const write = () =>
    t.run(async (ctx) => (await ctx.db.query("config").unique())!.declaredAt);
  await declare({ maxParallelism: 3 });
  const declaredAt = await write();

  vi.setSystemTime(Date.now() + DECLARE_INTERVAL_MS - 1);
  await declare({ maxParallelism: 4 });
  expect(await write()).toBe(declaredAt);
  expect((await inForce()).maxParallelism).toBe(3);
  expect(console.warn).toHaveBeenCalledExactlyOnceWith(
    expect.stringContaining('{"maxParallelism":4}'),
  );

  vi.setSystemTime(Date.now() + 1);
  await declare({ maxParallelism: 4 });
  expect((await inForce()).maxParallelism).toBe(4);
  expect(console.warn).toHaveBeenCalledTimes(1);
});

test("two Workpool objects that disagree are logged once, and no enqueue after that writes", async () => {
  const row = () => t.run((ctx) => ctx.db.query("config").unique());
  await declare({ maxParallelism: 3 });
  await declare({ maxParallelism: 4 });
  const noted = await row();
  for (let n = 0; n < 20; n++) {
    vi.setSystemTime(Date.now() + 100);
    await declare({ maxParallelism: n % 2 === 0 ? 3 : 4 });
  }
  expect(await row()).toEqual(noted);
  aMinuteLater();
  await declare({ maxParallelism: 4 });
  await declare({ maxParallelism: 3 });
  expect(console.warn).toHaveBeenCalledExactlyOnceWith(
    expect.stringContaining('"event":"disagreement"'),
  );
});

test("a declaration that is made on purpose counts at once, and settles a disagreement", async () => {
  await declare({ maxParallelism: 3 });
  await declare({ maxParallelism: 4 });
  expect((await t.query(api.config.get, {})).disagreement).not.toBeNull();
  await t.mutation(api.config.declare, { maxParallelism: 5 });
  expect((await inForce()).maxParallelism).toBe(5);
  expect(await t.query(api.config.get, {})).toMatchObject({
    declared: { maxParallelism: 5 },
    disagreement: null,
  });
});

test("a declaration that is made on purpose wakes the loop, and leaves overrides in force", async () => {
  await update({ maxParallelism: 2 });
  await t.mutation(api.config.declare, { maxParallelism: 5 });
  expect((await inForce()).maxParallelism).toBe(2);
  const before = await ticks();
  await update({ maxParallelism: null });
  await t.mutation(api.config.declare, { maxParallelism: 0 });
  expect((await inForce()).maxParallelism).toBe(0);
  expect(await ticks()).toBe(before + 2);
  await expect(
    t.mutation(api.config.declare, { maxParallelism: 1001 }),
  ).rejects.toThrow("maxParallelism must be an integer from 0");
  expect((await inForce()).maxParallelism).toBe(0);
});

test("config.get says what is declared, what overrides it, and what is in force", async () => {
  const get = () => t.query(api.config.get, {});
  expect(await get()).toEqual({
    inForce: { maxParallelism: 10, logLevel: "REPORT" },
    declared: {},
    declaredAt: null,
    overrides: {},
    overriddenAt: null,
    disagreement: null,
  });
  await declare({ maxParallelism: 3, environmentLogLevel: "WARN" });
  const declaredAt = Date.now();
  vi.setSystemTime(declaredAt + 500);
  await update({ maxParallelism: 0, logLevel: "INFO" });
  const declared = { maxParallelism: 3, environmentLogLevel: "WARN" };
  expect(await get()).toEqual({
    inForce: { maxParallelism: 0, logLevel: "INFO" },
    declared,
    declaredAt,
    overrides: {
      maxParallelism: { value: 0, insteadOf: 3 },
      logLevel: { value: "INFO", insteadOf: "WARN" },
    },
    overriddenAt: declaredAt + 500,
    disagreement: null,
  });
  await declare({ maxParallelism: 4 });
  expect(await get()).toMatchObject({
    declared,
    disagreement: {
      other: { ...declared, maxParallelism: 4 },
      at: declaredAt + 500,
    },
  });
  await update({});
  expect(await get()).toMatchObject({ declared, disagreement: null });
});

test("the epoch grows, and the loop is woken, exactly when the parallelism in force changes", async () => {
  const observe = async () => [(await inForce()).epoch, await ticks()];
  await update({ maxParallelism: 10 });
  expect(await observe()).toEqual([0, 0]);
  await update({ logLevel: "INFO" });
  expect(await observe()).toEqual([0, 0]);
  await update({ maxParallelism: 20 });
  expect(await observe()).toEqual([1, 1]);
  await update({ maxParallelism: 20 });
  expect(await observe()).toEqual([1, 1]);
  await update({});
  expect(await observe()).toEqual([1, 1]);
  await update({ maxParallelism: null });
  expect(await observe()).toEqual([2, 2]);
});

test("declaring another parallelism wakes the loop too", async () => {
  await declare({ maxParallelism: 3 });
  const before = await ticks();
  aMinuteLater();
  await t.mutation(api.lib.enqueueBatch, {
    items: [],
    config: { maxParallelism: 4 },
  });
  expect(await ticks()).toBe(before + 1);
});

test.each([-1, 1001, 2.5, NaN])(
  "refuses a parallelism of %s at run time",
  async (maxParallelism) => {
    await expect(update({ maxParallelism })).rejects.toThrow(
      `maxParallelism must be an integer from 0 (which pauses the pool) to 1000, not ${maxParallelism}.`,
    );
    expect(await t.run((ctx) => ctx.db.query("config").collect())).toEqual([]);
  },
);

test("the environment's level is the default that everything else overrides", () => {
  const level = (
    override: object,
    declared: object,
    own?: "DEBUG" | undefined,
  ) => effective({ override, declared, declaredAt: 0, epoch: 0 }, own).logLevel;
  expect(level({}, {})).toBe("REPORT");
  expect(level({}, {}, "DEBUG")).toBe("DEBUG");
  expect(level({}, { environmentLogLevel: "INFO" }, "DEBUG")).toBe("INFO");
  expect(
    level({}, { logLevel: "WARN", environmentLogLevel: "INFO" }, "DEBUG"),
  ).toBe("WARN");
  expect(level({ logLevel: "ERROR" }, { logLevel: "WARN" })).toBe("ERROR");
});

test("the app's environment stops counting once it is unset", async () => {
  await declare({ environmentLogLevel: "DEBUG" });
  expect((await inForce()).logLevel).toBe("DEBUG");
  aMinuteLater();
  await declare({ environmentLogLevel: null });
  expect((await inForce()).logLevel).toBe("REPORT");
});

test("the component's own environment counts", async () => {
  vi.stubEnv("WORKPOOL_LOG_LEVEL", "ERROR");
  expect((await inForce()).logLevel).toBe("ERROR");
});

test("an environment that names no level is ignored, with a warning", async () => {
  vi.stubEnv("WORKPOOL_LOG_LEVEL", "LOUD");
  expect((await inForce()).logLevel).toBe("REPORT");
  await inForce();
  expect(console.warn).toHaveBeenCalledExactlyOnceWith(
    'WORKPOOL_LOG_LEVEL is ignored: it must be one of DEBUG, TRACE, INFO, REPORT, WARN, ERROR, not "LOUD".',
  );
});
