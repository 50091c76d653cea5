/**
 * The deployment dies at one moment after the other of the same short history,
 * and starts again from what it had committed.
 */
import { describe, expect, test } from "vitest";
import { all, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";
import { act, mutate, read } from "../../sim/works.js";

const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
const WORKS = [
  act("once", { ms: 60 }),
  act("retried", { ms: 60 }, { retry }),
  act("flaky", { ms: 20, failures: 1 }, { retry }),
  mutate("mutation"),
  mutate("later", {}, { runAfter: 200 }),
  read("query"),
];
const KEYS = WORKS.map(({ args }) => args.key as string);

async function historyWithCrash(afterMs: number): Promise<Simulation> {
  const simulation = await Simulation.open();
  await simulation.enqueue(...WORKS);
  await simulation.pass(afterMs);
  await simulation.crash();
  return simulation;
}

// From before the first tick until after the last outcome.
const MOMENTS = Array.from({ length: 24 }, (_, index) => index * 19);

test.each(MOMENTS)("a crash after %i ms", async (afterMs) => {
  const simulation = await historyWithCrash(afterMs);
  const crashedAt = simulation.now();
  const calledBefore = new Set(simulation.handlers.begun.map(({ key }) => key));
  await simulation.drain();

  const { once, ...others } = outcomes(simulation);
  const { once: _, ...expected } = all(KEYS, "success");
  expect(others).toEqual(expected);
  expect(["success", "failed"]).toContain(once);
  const attempts = countByKey(simulation.rows("attempts"));
  expect(attempts.once ?? 0).toBeLessThanOrEqual(1);
  expect(attempts.retried).toBeLessThanOrEqual(3);
  expect(attempts.flaky).toBeLessThanOrEqual(3);
  expect(countByKey(simulation.rows("effects"))).toEqual({
    mutation: 1,
    later: 1,
  });
  // One whose handler was called is never called again without a retry.
  const again = simulation.handlers.begun.filter(
    ({ key, at }) => key === "once" && at > crashedAt,
  );
  if (calledBefore.has("once")) expect(again).toEqual([]);
  expectAtRest(simulation);
});

describe("what a crash interrupts", () => {
  test("is taken up again within 15 seconds", async () => {
    const simulation = await Simulation.open();
    await simulation.enqueue(act("a", { ms: 60_000 }, { retry }));
    await simulation.pass(5_000);
    expect(simulation.handlers.inFlight).toBe(1);
    await simulation.crash();
    const waited = await simulation.until(
      () => simulation.rows("attempts").length === 2,
      60_000,
    );
    expect(waited).toBeLessThanOrEqual(15_000);
    await simulation.drain();
    expect(outcomes(simulation)).toEqual({ a: "success" });
  });

  test("has used up an attempt", async () => {
    const simulation = await Simulation.open();
    const works = [2, 3].map((maxAttempts) =>
      act(
        `${maxAttempts}`,
        { ms: 60_000 },
        { retry: { ...retry, maxAttempts } },
      ),
    );
    await simulation.enqueue(...works);
    for (let crashes = 0; crashes < 2; crashes++) {
      await simulation.until(() => simulation.handlers.inFlight === 2, 30_000);
      await simulation.pass(1_000);
      await simulation.crash();
    }
    await simulation.drain();
    expect(outcomes(simulation)).toEqual({ 2: "failed", 3: "success" });
    expect(countByKey(simulation.rows("attempts"))).toEqual({ 2: 2, 3: 3 });
    expectAtRest(simulation);
  });

  test("is not blamed for it: it goes on side by side", async () => {
    const simulation = await Simulation.open();
    const names = ["a", "b", "c", "d"];
    const works = names.map((key) => act(key, { ms: 30_000 }, { retry }));
    await simulation.enqueue(...works);
    await simulation.pass(1_000);
    await simulation.crash();
    await simulation.until(
      () => simulation.rows("attempts").length === 8,
      20_000,
    );
    // Each retry is due at a time of its own: some may find others in another executor.
    expect(simulation.rows("executor", "workpool").length).toBeLessThan(3);
    await simulation.drain();
    expect(outcomes(simulation)).toEqual(all(names, "success"));
  });
});

test("crashes again and again: everything ends all the same, mutations exactly once", async () => {
  const simulation = await Simulation.open({ seed: 3 });
  const names = Array.from({ length: 40 }, (_, index) => `m${index}`);
  await simulation.setLimit(3);
  await simulation.enqueueTogether(...names.map((key) => mutate(key)));
  for (let i = 0; i < 8; i++) {
    await simulation.pass(90 + i * 37);
    await simulation.crash();
  }
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expect(countByKey(simulation.rows("effects"))).toEqual(all(names, 1));
  expectAtRest(simulation);
});
