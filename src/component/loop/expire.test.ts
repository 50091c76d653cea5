/** Works that have to begin by a time: what ends them where nobody begins them. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  ended,
  failure,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { HOUR, MINUTE, SECOND } from "../shared.js";
import { enqueueItems, type Item } from "../work/enqueue.js";

/** What the pool promises. */
const ENDS_WITHIN_MS = 15 * SECOND;

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

const action = (key: string, changes: Partial<Item> = {}, args = {}) =>
  job("action", "act", { key, ...args }, { ...recorded(key), ...changes });
const within = (ms: number) => ({ expireAt: Date.now() + ms });
const EXPIRED = [{ kind: "failed", error: expect.stringContaining("expired") }];
const attempts = async () =>
  (await pool.effects("attempt")).map(({ key }) => key);

/** Lets time pass until a second before this, sees that nothing has expired, and lets it come. */
async function passUntilExpired(ms: number, key: string): Promise<void> {
  await pool.pass(ms - SECOND);
  expect(await pool.outcomes()).not.toHaveProperty(key);
  await pool.pass(SECOND + ENDS_WITHIN_MS);
}

describe("a work that has not begun in time fails as expired, with its callback,", () => {
  test("behind works that take long, and no sooner", async () => {
    await pool.enqueue([action("long", {}, { ms: 10 * MINUTE })], {
      maxParallelism: 1,
    });
    await pool.pass(SECOND);
    await pool.enqueue(
      [action("a", within(MINUTE)), action("b", within(MINUTE)), action("c")],
      { maxParallelism: 1 },
    );
    await passUntilExpired(MINUTE, "a");
    expect(await pool.outcomes()).toEqual({ a: EXPIRED, b: EXPIRED });
    expect(await pool.rows("complete")).toMatchObject([
      { reason: "expired", attempts: 0 },
      { reason: "expired", attempts: 0 },
    ]);
    await pool.drain();
    expect(await attempts()).toEqual(["long", "c"]);
  });

  test("behind a steady stream of works, whose turns put the watchdog off", async () => {
    await pool.enqueue(
      [action("a", { ...within(20 * SECOND), runAt: Date.now() + SECOND })],
      {
        maxParallelism: 1,
      },
    );
    const works = Array.from({ length: 200 }, (_, n) =>
      action(`s${n}`, { onComplete: undefined }, { ms: 400 }),
    );
    await pool.enqueue(works, { maxParallelism: 1 });
    await pool.pass(20 * SECOND + ENDS_WITHIN_MS);
    expect(await pool.outcomes()).toEqual({ a: EXPIRED });
    expect((await attempts()).length).toBeGreaterThan(50);
  });

  test("in a paused pool that nobody touches", async () => {
    await pool.enqueue([action("a", within(HOUR))], { maxParallelism: 0 });
    await pool.pass(MINUTE);
    // Nothing polls meanwhile: the watchdog is scheduled for then.
    expect(await pool.scheduled()).toHaveLength(1);
    await passUntilExpired(HOUR - MINUTE, "a");
    expect(await pool.outcomes()).toEqual({ a: EXPIRED });
    await pool.drain();
    expect(await pool.scheduled()).toEqual([]);
  });

  test("that was enqueued while the pool was paused already, or paused after", async () => {
    await pool.enqueue([action("a")], { maxParallelism: 0 });
    await pool.pass(MINUTE);
    await pool.enqueue([action("b", within(MINUTE))], { maxParallelism: 0 });
    await passUntilExpired(MINUTE, "b");
    expect(await pool.outcomes()).toEqual({ b: EXPIRED });

    await pool.setLimit(1);
    await pool.pass(SECOND);
    const busy = action("long", {}, { ms: 5 * SECOND });
    await pool.enqueue([busy, action("c", within(MINUTE))]);
    await pool.pass(SECOND);
    await pool.setLimit(0);
    await passUntilExpired(MINUTE, "c");
    expect(await pool.outcomes()).toMatchObject({ c: EXPIRED });
  });

  test("of a paused pool, a later one when its own time has come", async () => {
    await pool.enqueue(
      [action("a", within(MINUTE)), action("b", within(HOUR))],
      {
        maxParallelism: 0,
      },
    );
    await pool.pass(2 * MINUTE);
    expect(await pool.outcomes()).toEqual({ a: EXPIRED });
    await passUntilExpired(HOUR - 2 * MINUTE, "b");
    expect(await pool.outcomes()).toEqual({ a: EXPIRED, b: EXPIRED });
  });

  test("due later in a paused pool", async () => {
    const runAt = Date.now() + 10 * MINUTE;
    await pool.enqueue([action("a", { runAt, expireAt: runAt + MINUTE })], {
      maxParallelism: 0,
    });
    await passUntilExpired(11 * MINUTE, "a");
    expect(await pool.outcomes()).toEqual({ a: EXPIRED });
  });

  test("in its hand-over: it is not delivered", async () => {
    await pool.enqueue([action("first")], { maxParallelism: 2 });
    const executor = await pool.startOpenByHand();
    await pool.enqueue([action("a", within(10 * SECOND))]);
    pool.moment();
    await pool.tick();
    expect(await pool.handOversTo(executor.id)).toHaveLength(1);
    vi.setSystemTime(Date.now() + 10 * SECOND);
    const { next } = await executor.report();
    expect(next).toEqual([]);
    expect(await pool.rows("complete")).toMatchObject([{ reason: "expired" }]);
    expect(await executor.stats()).toMatchObject({ open: [{ left: [0] }] });
  });

  test("in the hands of an executor, which gives it back", async () => {
    await pool.enqueue([action("first")], { maxParallelism: 2 });
    const executor = await pool.startOpenByHand();
    const a = action("a", within(10 * SECOND));
    await pool.enqueue([a]);
    pool.moment();
    await pool.tick();
    const { next } = await executor.report();
    expect(next).toMatchObject([{ startBy: a.expireAt }]);
    vi.setSystemTime(a.expireAt!);
    await executor.report([ended(next[0]!, { kind: "returned" })]);
    expect(await pool.rows("complete")).toMatchObject([{ reason: "expired" }]);
    await pool.pass(SECOND);
    expect(await pool.outcomes()).toEqual({ a: EXPIRED });
  });
});

test("what expired before it was enqueued ends in the same way", async () => {
  await pool.enqueue([action("a", { expireAt: 5 })]);
  await pool.pass(ENDS_WITHIN_MS);
  expect(await pool.outcomes()).toEqual({ a: EXPIRED });
  expect(await attempts()).toEqual([]);
});

test("a work that began in time may end later, and its retry does not begin", async () => {
  const retryBehavior = { maxAttempts: 3, intervalsMs: [1_000] };
  await pool.enqueue([
    action("slow", within(SECOND), { ms: MINUTE }),
    action("retried", { ...within(MINUTE), retryBehavior }, { failures: 1 }),
    action("late", { ...within(900), retryBehavior }, { failures: 1 }),
  ]);
  await pool.drain();
  expect(await pool.outcomes()).toMatchObject({
    slow: [{ kind: "success" }],
    retried: [{ kind: "success" }],
    late: [
      {
        kind: "failed",
        error: expect.stringMatching(/expired.*attempt 1 of late failed/s),
      },
    ],
  });
  expect(await attempts()).toEqual(["slow", "late", "retried", "retried"]);
});

test("works that are enqueued one by one into a paused pool need one tick together", async () => {
  await pool.enqueue([action("first")], { maxParallelism: 0 });
  await pool.pass(MINUTE);
  await pool.run(async (ctx) => {
    for (let n = 0; n < 20; n++) {
      await enqueueItems(ctx, { maxParallelism: 0 }, [
        action(`k${n}`, within(HOUR)),
      ]);
    }
  });
  expect(await pool.scheduled("loop/tick:tick")).toHaveLength(1);
  await pool.pass(HOUR + ENDS_WITHIN_MS);
  expect(Object.keys(await pool.outcomes())).toHaveLength(20);
});

test("mutations expire like actions", async () => {
  const work = job(
    "mutation",
    "mutate",
    { key: "m" },
    { ...recorded("m"), expireAt: Date.now() - 1 },
  );
  await pool.enqueue([work]);
  await pool.pass(ENDS_WITHIN_MS);
  expect(await pool.outcomes()).toEqual({ m: EXPIRED });
  expect(await pool.effects("mutation")).toEqual([]);
});

test("many expire in pieces, each of which leaves the others for the next", async () => {
  const works = Array.from({ length: 250 }, (_, n) =>
    action(`k${n}`, within(MINUTE)),
  );
  await pool.enqueue(works, { maxParallelism: 0 });
  await pool.tick();
  vi.setSystemTime(Date.now() + 2 * MINUTE);
  await pool.watch();
  let pieces = 0;
  const left = async () =>
    (await pool.rows("pendingStart")).flatMap((entry) => entry.works).length;
  const counts = [];
  while (await pool.recoverPiece()) {
    pieces += 1;
    counts.push(await left());
  }
  expect(pieces).toBe(3);
  expect(counts).toEqual([150, 50, 0]);
  const told = vi
    .mocked(console.warn)
    .mock.calls.map(([line]) => `${line}`)
    .filter((line) => line.includes('"event":"expired"'))
    .map((line) => JSON.parse(line).works);
  expect(told).toEqual([100, 100, 50]);
});

test("entries hold works that expire together, and nothing is noted where none does", async () => {
  const at = Math.ceil(Date.now() / SECOND) * SECOND + HOUR;
  await pool.enqueue(
    [
      action("a", { expireAt: at - 500 }),
      action("b"),
      action("c", { expireAt: at }),
      action("d", { expireAt: at + HOUR }),
      action("e"),
    ],
    { maxParallelism: 0 },
  );
  const entries = await pool.rows("pendingStart");
  expect(entries.map(({ works, startBy }) => [works.length, startBy])).toEqual([
    [2, at],
    [2, undefined],
    [1, at + HOUR],
  ]);
  expect(await pool.scheduled("loop/watch:watch")).toEqual([]);
});

test("a retry that may not begin any more, since it waited, fails as its attempt did", async () => {
  const retryBehavior = {
    maxAttempts: 3,
    initialBackoffMs: 0,
    base: 1,
    maxElapsedMs: MINUTE,
  };
  await pool.enqueue([action("a", { retryBehavior }), action("b")], {
    maxParallelism: 1,
  });
  const executor = await pool.startOpenByHand();
  const [a] = executor.attempts();
  pool.moment();
  await executor.report([ended(a!, failure("Error: first"))]);
  await pool.setLimit(0);
  await pool.tick();
  await pool.pass(MINUTE + ENDS_WITHIN_MS);
  expect(await pool.outcomes()).toEqual({
    a: [{ kind: "failed", error: "Error: first" }],
  });
  expect(await pool.rows("complete")).toMatchObject([{ attempts: 1 }]);
});
