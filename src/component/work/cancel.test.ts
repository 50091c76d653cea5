import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  componentTest,
  type ComponentTest,
  handOver,
  item,
  rowCounts,
  textOf,
} from "../../testing/component.js";
import { api, internal } from "../_generated/api.js";
import type { Item } from "./enqueue.js";

let t: ComponentTest;

beforeEach(() => {
  vi.useFakeTimers();
  t = componentTest();
});
afterEach(() => {
  vi.useRealTimers();
});

const enqueue = (items: Item[]) =>
  t.mutation(api.lib.enqueueBatch, { items, config: {} });
const enqueueMany = (count: number, changes: Partial<Item> = {}) =>
  enqueue(Array.from({ length: count }, () => item(changes)));
const status = (id: string) => t.query(api.lib.status, { id });
const cancelPage = ({ args }: { args: unknown[] }) =>
  t.mutation(internal.work.cancel.cancelNextPage, args[0] as never);
const pagesToCome = async () =>
  (
    await t.run((ctx) => ctx.db.system.query("_scheduled_functions").collect())
  ).filter(({ name }) => name.includes("cancelNextPage"));

test("what waits ends, with its arguments and its place in the queue", async () => {
  const fnArgs = { text: textOf(100_000) };
  const [first, second] = await enqueue([item({ fnArgs }), item({ fnArgs })]);

  await t.mutation(api.lib.cancel, { id: first! });
  expect(await status(first!)).toEqual({ state: "finished" });
  expect(await status(second!)).toMatchObject({ state: "pending" });
  expect(await rowCounts(t)).toMatchObject({ work: 1, payload: 1 });
  const [entry] = await t.run((ctx) => ctx.db.query("pendingStart").collect());
  expect(entry).toMatchObject({ works: [second] });
  const [bytes] = entry!.bytes as number[];
  expect(bytes).toBeGreaterThan(100_000);
  expect(bytes).toBeLessThan(101_000);

  await t.mutation(api.lib.cancel, { id: second! });
  expect(await rowCounts(t)).toEqual({ config: 1, runStatus: 1 });
});

test("what runs goes on, marked, so that it is not retried", async () => {
  const [id] = await enqueueMany(1);
  await handOver(t);

  await t.mutation(api.lib.cancel, { id: id! });
  expect(await status(id!)).toMatchObject({ state: "running" });
  expect(await t.query(api.lib.get, { id: id! })).toMatchObject({
    state: "claimed",
    canceled: true,
  });
});

test("the outcome is kept as long as statusTtl says", async () => {
  const [id] = await enqueueMany(1, { statusTtl: { canceled: 1000 } });
  await t.mutation(api.lib.cancel, { id: id! });
  expect(await t.query(api.lib.get, { id: id! })).toMatchObject({
    state: "finished",
    result: { kind: "canceled" },
    finishedAt: Date.now(),
  });

  vi.setSystemTime(Date.now() + 1000);
  expect(await t.query(api.lib.get, { id: id! })).toBeNull();
});

test("a callback is owed, unless it does not want to hear of it", async () => {
  const fnHandle = "function://done";
  const [heard, unheard] = await enqueue([
    item({ onComplete: { fnHandle } }),
    item({ onComplete: { fnHandle, excludeKinds: ["canceled"] } }),
  ]);
  await t.mutation(api.lib.cancel, { id: heard! });
  await t.mutation(api.lib.cancel, { id: unheard! });
  expect(await t.query(api.lib.get, { id: heard! })).toMatchObject({
    state: "finished",
    callback: { state: "owed", attempts: 0 },
  });
  expect(await t.query(api.lib.get, { id: unheard! })).toBeNull();
});

test("canceling twice, or what never was, does no harm", async () => {
  const [id] = await enqueueMany(1);
  const other = await t.run((ctx) => ctx.db.insert("payload", { value: 1 }));
  await t.mutation(api.lib.cancel, { id: id! });
  for (const nothing of [id!, other, "", "nonsense", "🙂"]) {
    await t.mutation(api.lib.cancel, { id: nothing });
  }
  expect(await rowCounts(t)).toEqual({ config: 1, runStatus: 1, payload: 1 });
});

test("all are canceled page by page, the latest first", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    ids.push((await enqueueMany(1))[0]!);
    vi.setSystemTime(Date.now() + 1);
  }
  await t.mutation(api.lib.cancelAll, { limit: 2 });

  const states = await t.query(api.lib.statusBatch, { ids });
  expect(states.map(({ state }) => state)).toEqual([
    "pending",
    "pending",
    "pending",
    "finished",
    "finished",
  ]);
  const [next] = await pagesToCome();
  expect(next).toMatchObject({ state: { kind: "pending" } });

  await cancelPage(next!);
  await cancelPage(next!);
  expect(await rowCounts(t)).toEqual({ config: 1, runStatus: 1 });
});

test("all are canceled with pages of one, also what runs", async () => {
  await enqueueMany(1);
  await handOver(t);
  vi.setSystemTime(Date.now() + 1);
  await enqueueMany(1);
  await t.mutation(api.lib.cancelAll, { limit: 1 });
  const [next] = await pagesToCome();
  await cancelPage(next!);
  expect(await pagesToCome()).toHaveLength(1);
  expect(
    (await t.run((ctx) => ctx.db.query("work").collect())).map(
      ({ canceled }) => canceled,
    ),
  ).toEqual([true]);
});

test("what was enqueued after `before` is left alone", async () => {
  const [early] = await enqueueMany(1);
  vi.setSystemTime(Date.now() + 1000);
  const before = Date.now();
  vi.setSystemTime(Date.now() + 1000);
  const [late] = await enqueueMany(1);

  await t.mutation(api.lib.cancelAll, { before });
  expect(await status(early!)).toEqual({ state: "finished" });
  expect(await status(late!)).toMatchObject({ state: "pending" });
});

test("a page ends early when its works are large", async () => {
  // 7,900 bytes are just not stored apart; with as large a context, and read once
  // to find it and once to delete it, 62 works are a page.
  const text = textOf(7_900);
  const large = item({
    fnArgs: { text: textOf(7_800) },
    onComplete: {
      fnHandle: "function://done",
      context: text,
      excludeKinds: ["canceled"],
    },
  });
  for (let i = 0; i < 200; i++) {
    await enqueue([large]);
    vi.setSystemTime(Date.now() + 1);
  }
  await t.mutation(api.lib.cancelAll, { limit: 1000 });
  const left = (await rowCounts(t)).work!;
  expect(left).toBeGreaterThan(130);
  expect(left).toBeLessThan(145);
  expect(await pagesToCome()).toHaveLength(1);
});

test("a transaction that its caller has used up already cancels nothing itself", async () => {
  await enqueueMany(3);
  await t.run(async (ctx) => {
    await ctx.db.insert("payload", { value: textOf(1_000_000) });
    await ctx.db.insert("payload", { value: textOf(1_000_000) });
    await ctx.db.insert("payload", { value: textOf(1_000_000) });
    await ctx.runMutation(api.lib.cancelAll, {});
  });
  expect(await rowCounts(t)).toMatchObject({ work: 3 });
  const [next] = await pagesToCome();
  await cancelPage(next!);
  expect((await rowCounts(t)).work).toBeUndefined();
});

test.each([0, -1, 1.5, NaN, 1001])("refuses a limit of %s", async (limit) => {
  await expect(t.mutation(api.lib.cancelAll, { limit })).rejects.toThrow(
    `limit must be an integer from 1 to 1000, not ${limit}.`,
  );
});

test("refuses a `before` that is no time", async () => {
  await expect(
    t.mutation(api.lib.cancelAll, { before: Infinity }),
  ).rejects.toThrow("before must be a finite number of milliseconds");
});
