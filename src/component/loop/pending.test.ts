/**
 * What a report's own transaction puts into the queue has no commit timestamp yet.
 * A driver's report does the loop's turn in that same transaction.
 */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  ended,
  failure,
  type HandExecutor,
  job,
  poolFunction,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import type { Item } from "../work/enqueue.js";
import { SECOND } from "../shared.js";

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

const action = (key: string, changes: Partial<Item> = {}) =>
  job("action", "act", { key }, { ...recorded(key), ...changes });

/** Its callback enqueues another work. */
function parentOf(key: string, runAfter = 0): Item {
  const item = { ...action(key), runAt: Date.now() + runAfter };
  const { onComplete } = recorded("parent", "completedCalling");
  const calls = [
    { handle: poolFunction("enqueue"), args: { ...item, config: {} } },
  ];
  const context = { key: "parent", calls };
  return action("parent", { onComplete: { ...onComplete, context } });
}

/** An executor that drives, at a time when its loop would park if nothing waited. */
async function aboutToPark(item: Item): Promise<HandExecutor> {
  for (const key of ["first", "second"]) {
    await pool.enqueue([action(key)], { maxParallelism: 20 });
    await pool.pass(150);
  }
  await pool.enqueue([item]);
  const executor = await pool.startByHand();
  vi.setSystemTime(Date.now() + 2 * SECOND);
  await executor.report([], { mayDrive: true });
  vi.setSystemTime(Date.now() + SECOND / 5);
  return executor;
}

/** The end of its one work, in a report that does the loop's turn; then whatever follows. */
async function endAndGoOn(
  executor: HandExecutor,
  outcome?: Parameters<typeof ended>[1],
): Promise<void> {
  const [only] = executor.attempts();
  await executor.report([ended(only!, outcome)], { mayDrive: true });
  for (const kind of ["ready", "later"] as const) {
    expect(typeof (await pool.loopState())[kind].commitTs).toBe("bigint");
  }
  for (let count = 0; count < 40 && (await pool.liveWorks()).length; count++) {
    await pool.pass(SECOND / 5);
    const done = executor.attempts().map((attempt) => ended(attempt));
    const reply = await executor.report(done, { mayDrive: true });
    if (reply.closed) break;
  }
  if ((await executor.row())?.state.kind === "open") await executor.leave();
  await pool.drain();
}

test.each([
  ["now", 0],
  ["later", 3 * SECOND],
])(
  "what a callback enqueues for %s is started, and the loop goes on from there",
  async (_, runAfter) => {
    const executor = await aboutToPark(parentOf("child", runAfter));
    await endAndGoOn(executor);
    expect(await pool.outcomes()).toMatchObject({
      parent: [{ kind: "success" }],
      child: [{ kind: "success" }],
    });
    // The cursor has not passed what is still to come.
    await pool.enqueue([action("next")]);
    await pool.drain();
    expect(await pool.outcomes()).toHaveProperty("next");
  },
);

test("what goes back to the queue in the same report is tried again", async () => {
  const executor = await aboutToPark(
    action("a", {
      retryBehavior: { maxAttempts: 2, initialBackoffMs: 0, base: 1 },
    }),
  );
  await endAndGoOn(executor, failure());
  expect(await pool.outcomes()).toMatchObject({ a: [{ kind: "success" }] });
});

test("what is given back at once, too", async () => {
  const executor = await aboutToPark(action("a"));
  await endAndGoOn(executor, { kind: "returned" });
  expect(await pool.outcomes()).toMatchObject({ a: [{ kind: "success" }] });
});

test("what a callback enqueues begins with the reply to the very report that ran it", async () => {
  const executor = await aboutToPark(parentOf("child"));
  const [parent] = executor.attempts();
  expect(parent).toMatchObject({ awaited: true });
  const { ready } = await pool.loopState();
  const { next } = await executor.report([ended(parent!)], { mayDrive: true });
  expect(next).toMatchObject([{ fnName: "jobs:act", awaited: true }]);
  expect(await pool.rows("pendingStart")).toEqual([]);
  expect((await pool.loopState()).ready).toEqual(ready);
});

test("behind what others have enqueued before", async () => {
  const executor = await aboutToPark(parentOf("child"));
  const others = Array.from({ length: 8 }, (_, n) => action(`other ${n}`));
  await pool.setLimit(4);
  await pool.tick();
  await pool.enqueue(others);
  pool.moment();
  const [parent] = executor.attempts();
  await executor.report([ended(parent!)], { mayDrive: true });
  const waiting = (await pool.rows("pendingStart")).flatMap(
    ({ works }) => works,
  );
  const child = (await pool.liveWorks()).at(-1)!;
  expect(waiting).toContain(child._id);
  await executor.leave();
  await pool.drain();
  expect(await pool.outcomes()).toHaveProperty("child");
});
