import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HOUR, SECOND } from "../shared.js";
import { ended, failure, job, ProtocolTest } from "../../testing/protocol.js";
import type { Item } from "./enqueue.js";
import { sweepExpired } from "./retention.js";

let pool: ProtocolTest;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
  pool = new ProtocolTest();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const tagged = (changes: Partial<Item> = {}) =>
  job("action", "act", { key: "a" }, { tags: ["mail", "eu"], ...changes });
const tags = async () => (await pool.rows("tag")).map(({ tag }) => tag);

test("a work has a row for each of its tags, and get shows them", async () => {
  const id = await pool.enqueueOne(tagged());
  expect(await pool.rows("tag")).toMatchObject([
    { tag: "mail", workId: id },
    { tag: "eu", workId: id },
  ]);
  expect(await pool.get(id)).toMatchObject({ tags: ["mail", "eu"] });
});

test("tags go with the work, where its outcome is not kept", async () => {
  await pool.enqueueOne(tagged());
  const executor = await pool.startByHand();
  await executor.report([ended(executor.attempts()[0]!)]);
  expect(await tags()).toEqual([]);
});

test.each([
  ["a success", undefined],
  ["a failure, whose work is kept as well,", failure()],
])("tags of %s go with the outcome", async (_, outcome) => {
  const id = await pool.enqueueOne(tagged({ statusTtl: HOUR }));
  const executor = await pool.startByHand();
  await executor.report([ended(executor.attempts()[0]!, outcome)]);
  expect(await tags()).toEqual(["mail", "eu"]);
  expect(await pool.get(id)).toMatchObject({ tags: ["mail", "eu"] });
  vi.setSystemTime(Date.now() + HOUR + SECOND);
  await pool.run((ctx) => sweepExpired(ctx));
  expect(await tags()).toEqual([]);
  expect(await pool.rows("complete")).toEqual([]);
});

test("tags of a work whose callback was owed go when it was told", async () => {
  const onComplete = {
    fnHandle: "function://app;jobs:completedWhenAllowed",
    context: { key: "a" },
  };
  await pool.enqueueOne(tagged({ onComplete }));
  const executor = await pool.startByHand();
  await executor.report([ended(executor.attempts()[0]!)]);
  expect(await tags()).toEqual(["mail", "eu"]);
  await pool.allow("a");
  await pool.drain();
  expect(await tags()).toEqual([]);
});
