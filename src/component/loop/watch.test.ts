/** What the watchdog finds, and has done about it. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  ended,
  type HandExecutor,
  job,
  ProtocolTest,
  recorded,
} from "../../testing/protocol.js";
import { internal } from "../_generated/api.js";
import type { Item } from "../work/enqueue.js";
import { MINUTE, SECOND } from "../shared.js";

const TICK = "loop/tick:tick";
const WATCH = "loop/watch:watch";
/** What the pool promises. */
const NOTICED_WITHIN_MS = 15 * SECOND;
const died = { kind: "failed" as const, error: "Boom" };

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
const actions = (count: number, prefix = "k") =>
  Array.from({ length: count }, (_, index) => action(`${prefix}${index}`));
const started = async () => (await pool.effects("attempt")).map((e) => e.key);

/** Executors that have begun eight works each. */
async function full(count: number): Promise<HandExecutor[]> {
  await pool.enqueue(actions(8 * count), { maxParallelism: 8 * count });
  await pool.tick();
  const executors = await pool.takeExecutors();
  expect(executors).toHaveLength(count);
  return executors;
}
const recovery = async () => (await pool.rows("recovery"))[0]!;

describe("a piece of a recovery that fails", () => {
  test("is halved down to a single work, which at last ends with an error that says so; the others go on", async () => {
    pool.deploymentClass = "d1024";
    await pool.enqueue(actions(120), { maxParallelism: 800 });
    const executor = await pool.startByHand();
    await executor.report([], { want: 1000 });
    await executor.becomes(died);
    const sizes: number[] = [];
    while (!(await pool.rows("recovery"))[0]?.giveUp) {
      expect(sizes.length).toBeLessThan(20);
      await pool.watch();
      const { works, giveUp } = await recovery();
      if (giveUp) break;
      sizes.push(works);
      await pool.failPiece("Too many bytes read");
    }
    expect(sizes).toEqual([100, 50, 25, 12, 6, 3, 1, 1, 1, 1]);
    while (await pool.recoverPiece());
    await pool.drain();
    const errors = Object.values(await pool.outcomes()).map(([{ error }]) =>
      String(error),
    );
    expect(errors).toHaveLength(120);
    const given = errors.filter((error) => error.includes("not be recovered"));
    expect(given).toEqual([expect.stringContaining("Too many bytes read")]);
  });

  test("of one work is tried with another executor first", async () => {
    const [first, second] = await full(2);
    await first!.becomes(died);
    await second!.becomes(died);
    await pool.watch();
    expect((await recovery()).executors).toEqual([first!.id, second!.id]);
    while ((await recovery()).works > 1) {
      await pool.failPiece("Boom");
      await pool.watch();
    }
    await pool.failPiece("Boom");
    await pool.watch();
    expect(await recovery()).toMatchObject({
      works: 1,
      executors: [second!.id, first!.id],
    });
  });

  test("gives up nothing of an executor that was lost meanwhile", async () => {
    const [other, hopeless] = await full(2);
    await hopeless!.becomes(died);
    await pool.watch();
    for (;;) {
      await pool.failPiece("Boom");
      if ((await recovery()).failures === 3) await other!.becomes(died);
      await pool.watch();
      if ((await recovery()).giveUp) break;
    }
    expect((await recovery()).executors).toEqual([hopeless!.id, other!.id]);
    await pool.recoverPiece();
    const [first] = hopeless!.attempts();
    expect(await pool.get(first!.workId)).toMatchObject({
      result: { error: expect.stringContaining("could not be recovered") },
    });
    for (const { workId } of other!.attempts()) {
      expect(await pool.work(workId)).not.toBeNull();
    }
  });

  test("is not tried again while one is under way", async () => {
    const [executor] = await full(1);
    await executor!.becomes(died);
    await pool.watch();
    const before = await recovery();
    await pool.watch();
    expect(await recovery()).toEqual(before);
  });

  test("that was canceled, or is gone, is scheduled again as it was", async () => {
    const [executor] = await full(1);
    await executor!.becomes(died);
    await pool.watch();
    const before = await recovery();
    await pool.run((ctx) => ctx.scheduler.cancel(before.scheduledId));
    await pool.watch();
    const after = await recovery();
    expect(after.token).not.toBe(before.token);
    expect(after).toMatchObject({ works: before.works, failures: 0 });
  });
});

describe("where turns of the loop come by,", () => {
  /** A turn each second; the executor that the test plays is one of several. */
  async function busyFor(seconds: number): Promise<void> {
    for (let n = 0; n < seconds; n++) {
      await pool.enqueueOne(action(`turn ${Date.now()}`));
      await pool.pass(SECOND);
    }
  }
  const watches = () =>
    pool.run(async (ctx) =>
      (await ctx.db.system.query("_scheduled_functions").collect()).filter(
        ({ name, state }) => name === WATCH && state.kind === "success",
      ),
    );

  test("they put the watchdog off, and a lost executor is noticed within 15 seconds all the same", async () => {
    await pool.enqueue([action("held")], { maxParallelism: 20 });
    const executor = await pool.startByHand();
    await busyFor(60);
    expect(await watches()).toEqual([]);
    expect(await pool.scheduled(WATCH)).toHaveLength(1);
    const { validUntil } = await pool.runStatus();
    expect(validUntil ?? Infinity).toBeGreaterThan(Date.now());
    await executor.becomes(died);
    await busyFor(NOTICED_WITHIN_MS / SECOND);
    expect(await pool.outcomes()).toMatchObject({ held: [{ kind: "failed" }] });
    await pool.drain();
  });

  test("callbacks that are owed are looked after within half a minute", async () => {
    await pool.enqueue([action("held")], { maxParallelism: 20 });
    const executor = await pool.startByHand();
    const [id] = await pool.enqueue([
      action("owed", { runAt: Date.now() + 30 * MINUTE }),
    ]);
    await pool.cancel(id!);
    expect(await pool.cancelScheduled("work/callback:deliver")).toBe(1);
    await busyFor(30);
    expect(await pool.outcomes()).toMatchObject({ owed: [{}] });
    await executor.report(executor.attempts().map((each) => ended(each)));
    await pool.drain();
  });
});

describe("a pool whose wake-up was lost is woken within 15 seconds", () => {
  test("when it waits for room, and there is some", async () => {
    await pool.enqueue(actions(2), { maxParallelism: 1 });
    const executor = await pool.startByHand();
    await executor.report();
    await pool.pass(2 * SECOND);
    expect((await pool.runStatus()).state).toEqual({ kind: "saturated" });
    // As one that is tried again: it leaves the turn to a tick.
    const results = executor.attempts().map((each) => ended(each));
    await executor.report(results, { inlineCallbacks: false });
    expect(await pool.cancelScheduled(TICK)).toBe(1);
    await pool.pass(NOTICED_WITHIN_MS);
    expect((await executor.report()).next).toHaveLength(1);
  });

  test("when it counts as idle, and work waits beside what runs", async () => {
    await pool.enqueue([action("runs")], { maxParallelism: 20 });
    const executor = await pool.startByHand();
    expect((await pool.runStatus()).state).toEqual({ kind: "idle" });
    await pool.enqueueOne(action("waits"));
    expect(await pool.cancelScheduled(TICK)).toBeGreaterThan(0);
    await pool.pass(NOTICED_WITHIN_MS);
    expect(await started()).toEqual(["waits"]);
    await executor.report(executor.attempts().map((each) => ended(each)));
    await pool.drain();
  });
});

test("a watch that is not the one that was armed last does nothing", async () => {
  await full(1);
  const { watch } = await pool.loopState();
  const everything = async () => [
    await pool.loopState(),
    await pool.runStatus(),
    await pool.scheduled(),
  ];
  const before = await everything();
  await pool.t.mutation(internal.loop.watch.watch, { at: watch!.at - 1 });
  expect(await everything()).toEqual(before);
});
