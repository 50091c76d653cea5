/** Handlers that take longer than their works declare, and works that have to begin by a time. */
import { describe, expect, test } from "vitest";
import { executors } from "../../sim/jobs.js";
import { act, keys } from "../../sim/works.js";
import { all, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { SYSTEM_ERROR } from "./processes.js";
import { Simulation } from "./simulation.js";

const LIMIT = 5;
const TIMEOUT_MS = 2_000;
const retry = { maxAttempts: 2, initialBackoffMs: 100, base: 2 };

/** Every third takes far too long, in each of its attempts. */
const SLOW_MS = 9_000;
const mixed = (options: object) =>
  keys(45).map((key, n) =>
    act(
      key,
      { ms: n % 3 === 0 ? SLOW_MS : 200 + 30 * n },
      { retry, timeoutMs: TIMEOUT_MS, ...options },
    ),
  );
const slow = keys(45).filter((_, n) => n % 3 === 0);
const quick = keys(45).filter((_, n) => n % 3 !== 0);
const expected = { ...all(quick, "success"), ...all(slow, "failed") };

function expectTimedOut(simulation: Simulation): void {
  const failed = simulation
    .rows("outcomes")
    .filter(({ result }) => result.kind === "failed");
  expect(failed.map(({ key }) => key).sort()).toEqual([...slow].sort());
  for (const { result } of failed) {
    expect(result.error).toContain(
      "timed out: it took longer than the 2000 ms",
    );
  }
}

describe("handlers that take too long", () => {
  test("hold their slots: no more run than the limit, whoever has failed meanwhile", async () => {
    const simulation = await Simulation.open();
    await simulation.setLimit(LIMIT);
    await simulation.enqueueTogether(...mixed({}));
    await simulation.drain();
    expect(outcomes(simulation)).toEqual(expected);
    expectTimedOut(simulation);
    expect(countByKey(simulation.rows("attempts"))).toEqual({
      ...all(quick, 1),
      ...all(slow, 2),
    });
    expect(simulation.handlers.most).toBe(LIMIT);
    expectAtRest(simulation);
  });

  test("give their slots on where they shall: then more run, and all is over sooner", async () => {
    const took = async (options: object) => {
      const simulation = await Simulation.open();
      await simulation.setLimit(LIMIT);
      await simulation.enqueueTogether(...mixed(options));
      const ms = await simulation.until(
        () => simulation.rows("outcomes").length === 45,
        600_000,
      );
      await simulation.drain();
      expect(outcomes(simulation)).toEqual(expected);
      expectTimedOut(simulation);
      expectAtRest(simulation);
      return { ms: ms!, most: simulation.handlers.most };
    };
    const held = await took({});
    const released = await took({ onTimeout: "release" });
    expect(released.most).toBeGreaterThan(LIMIT);
    expect(released.ms).toBeLessThan(held.ms / 2);
  });

  test("are told of within moments, with one report and no call of their own", async () => {
    const simulation = await Simulation.open();
    await simulation.enqueue(
      act("a", { ms: 60_000 }, { timeoutMs: TIMEOUT_MS }),
    );
    const ms = await simulation.until(
      () => simulation.rows("outcomes").length > 0,
      60_000,
    );
    expect(ms).toBeLessThan(TIMEOUT_MS + 500);
    expect(simulation.handlers.inFlight).toBe(1);
    await simulation.drain();
    expectAtRest(simulation);
  });

  test("are left alone where their worker dies after it told of them", async () => {
    const simulation = await Simulation.open();
    await simulation.setLimit(2);
    const later = { maxAttempts: 2, initialBackoffMs: 40_000, base: 1 };
    const work = { retry: later, timeoutMs: TIMEOUT_MS };
    await simulation.enqueueTogether(
      act("over", { ms: 30_000 }, work),
      act("lost", { ms: 30_000 }, { ...work, timeoutMs: 60_000 }),
    );
    await simulation.pass(TIMEOUT_MS + 1_000);
    const [before] = simulation.rows("pendingStart", "workpool");
    expect(before!.works).toHaveLength(1);
    for (const id of executors(simulation).map(({ _id }) => _id)) {
      simulation.processes.kill(id, SYSTEM_ERROR);
    }
    await simulation.pass(16_000);
    expect(simulation.rows("executorStats", "workpool")).toEqual([]);
    const works = simulation.rows("work", "workpool");
    expect(
      works.map(({ attempts, history }) => [
        attempts,
        history.map(({ reason }: { reason: string }) => reason),
      ]),
    ).toEqual([
      [1, ["timedOut"]],
      [1, ["workerLost"]],
    ]);
    await simulation.drain();
    expect(outcomes(simulation)).toEqual({ over: "failed", lost: "success" });
    expect(countByKey(simulation.rows("attempts"))).toEqual({
      over: 2,
      lost: 2,
    });
    expectAtRest(simulation);
  });

  test("leave their work to end once, also where everything goes down", async () => {
    const simulation = await Simulation.open();
    await simulation.setLimit(LIMIT);
    await simulation.enqueueTogether(...mixed({}));
    for (let n = 0; n < 3; n++) {
      await simulation.pass(7_000);
      await simulation.crash();
    }
    await simulation.drain();
    const kinds = outcomes(simulation);
    expect(Object.keys(kinds).sort()).toEqual(keys(45).sort());
    for (const key of slow) expect(kinds[key]).toBe("failed");
    for (const count of Object.values(
      countByKey(simulation.rows("attempts")),
    )) {
      expect(count).toBeLessThanOrEqual(retry.maxAttempts);
    }
    expect(simulation.handlers.most).toBeLessThanOrEqual(LIMIT);
    expectAtRest(simulation);
  });
});

test("works that expire behind others end in time, and none of them begins", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(2);
  const long = keys(2, "long").map((key) => act(key, { ms: 60_000 }));
  await simulation.enqueueTogether(...long);
  await simulation.pass(1_000);
  const works = keys(70).map((key) => act(key, {}, { expireAfter: 20_000 }));
  await simulation.enqueueTogether(...works);
  await simulation.pass(19_000);
  expect(simulation.rows("outcomes")).toEqual([]);
  await simulation.pass(16_000);
  expect(outcomes(simulation)).toEqual(all(keys(70), "failed"));
  await simulation.drain();
  expect(countByKey(simulation.rows("attempts"))).toEqual(
    all(keys(2, "long"), 1),
  );
  expectAtRest(simulation);
});
