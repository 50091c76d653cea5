import { describe, expect, test } from "vitest";
import { cancelJobs, executors, failJobs, ticks } from "../../sim/jobs.js";
import { all, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { type Row, Simulation } from "./simulation.js";
import { act, keys, mutate, read } from "../../sim/works.js";

/** A lost worker is noticed within this time. */
const NOTICED_MS = 15_000;
const RETRY = {
  retry: { maxAttempts: 3, initialBackoffMs: 100, base: 2 },
};

const begun = (simulation: Simulation, key: string) =>
  simulation.handlers.begun.filter((each) => each.key === key);

describe("an executor that is lost while its handlers run on", () => {
  test("is noticed within 15 seconds, and what it reports afterwards changes nothing", async () => {
    const simulation = await Simulation.open();
    const works = keys(5).map((key) => act(key, { ms: 20_000 }, RETRY));
    await simulation.enqueue(...works);
    await simulation.pass(1_000);
    expect(simulation.handlers.inFlight).toBe(5);

    failJobs(simulation, executors(simulation), "Out of memory");
    const noticed = await simulation.until(
      () => simulation.rows("work", "workpool").some((work) => work.fence > 0),
      60_000,
    );
    expect(noticed).toBeLessThanOrEqual(NOTICED_MS);

    await simulation.drain();
    expect(outcomes(simulation)).toEqual(all(keys(5), "success"));
    // The first attempts ended first, and were too late.
    const values = simulation
      .rows("outcomes")
      .map(({ result }) => result.returnValue);
    expect(values).toEqual(Array(5).fill("attempt 2"));
    expect(countByKey(simulation.rows("attempts"))).toEqual(all(keys(5), 2));
    expectAtRest(simulation);
  });

  test("leaves actions without a retry failed; mutations and queries run again", async () => {
    const simulation = await Simulation.open({
      slowMs: (name) => (name === "executor/transaction:run" ? 20_000 : 0),
    });
    const ms = 20_000;
    await simulation.enqueue(act("a", { ms }), mutate("m"), read("q"));
    await simulation.pass(1_000);
    failJobs(simulation, executors(simulation), "Out of memory");
    await simulation.drain();
    expect(outcomes(simulation)).toEqual({
      a: "failed",
      m: "success",
      q: "success",
    });
    expect(countByKey(simulation.rows("attempts"))).toEqual({ a: 1 });
    expect(countByKey(simulation.rows("effects"))).toEqual({ m: 1 });
    expect(begun(simulation, "m").length).toBeGreaterThan(0);
    const [{ result }] = simulation
      .rows("outcomes")
      .filter(({ key }) => key === "a") as [Row];
    expect(result.error).toContain("Out of memory");
    expectAtRest(simulation);
  });

  test("takes nobody down twice: what it ran goes on apart, in two groups", async () => {
    const simulation = await Simulation.open();
    const works = keys(4).map((key) => act(key, { ms: 20_000 }, RETRY));
    await simulation.enqueue(...works);
    await simulation.pass(1_000);
    const lost = executors(simulation);
    failJobs(simulation, lost, "Out of memory");
    await simulation.until(
      () => begun(simulation, "w0").length > 1,
      NOTICED_MS,
    );
    const isolated = simulation
      .rows("executor", "workpool")
      .map(({ width, state }) => ({ width, state }));
    expect(isolated).toEqual([
      { width: 2, state: { kind: "closing" } },
      { width: 2, state: { kind: "closing" } },
    ]);
    await simulation.drain();
    expect(outcomes(simulation)).toEqual(all(keys(4), "success"));
    expectAtRest(simulation);
  });
});

test("a limit that changes before a work that runs apart has begun", async () => {
  const simulation = await Simulation.open();
  await simulation.enqueue(act("a", { ms: 20_000 }, RETRY));
  await simulation.pass(1_000);
  failJobs(simulation, executors(simulation), "Out of memory");
  const apart = () =>
    simulation
      .rows("executor", "workpool")
      .some(({ state }) => state.kind !== "open");
  expect(await simulation.until(apart, NOTICED_MS)).not.toBeNull();
  await simulation.setLimit(5);
  await simulation.drain();
  expect(outcomes(simulation)).toEqual({ a: "success" });
  expectAtRest(simulation);
});

test("executors that meet the time limit of actions are replaced", async () => {
  const simulation = await Simulation.open({
    limits: { actionTimeoutMs: 4_000 },
  });
  await simulation.setLimit(4);
  // Some begin so late in an executor's life that they end with it; apart, they fit.
  const works = keys(12).map((key) => act(key, { ms: 3_000 }, RETRY));
  const mutations = keys(12, "m").map((key) => mutate(key));
  await simulation.enqueue(...works, ...mutations);
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(
    all([...keys(12), ...keys(12, "m")], "success"),
  );
  expect(countByKey(simulation.rows("effects"))).toEqual(all(keys(12, "m"), 1));
  const tries = Object.values(countByKey(simulation.rows("attempts")));
  expect(Math.max(...tries)).toBeGreaterThan(1);
  expect(Math.max(...tries)).toBeLessThanOrEqual(3);
  expectAtRest(simulation);
});

test("a canceled executor is not interrupted: it ends what it runs and gets nothing more", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(3);
  const works = keys(9).map((key) => act(key, { ms: 20_000 }, RETRY));
  await simulation.enqueue(...works);
  await simulation.pass(1_000);
  const before = executors(simulation);
  expect(before).toHaveLength(1);
  cancelJobs(simulation, before);
  const closed = () =>
    simulation
      .rows("executor", "workpool")
      .some(({ state }) => state.kind !== "open");
  expect(await simulation.until(closed, 60_000)).toBeLessThan(NOTICED_MS);

  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all(keys(9), "success"));
  expect(countByKey(simulation.rows("attempts"))).toEqual(all(keys(9), 1));
  expect(simulation.handlers.most).toBe(3);
  expectAtRest(simulation);
});

/** One after the other, so often that a chain of ticks is cheaper than one for each. */
async function enqueueOften(
  simulation: Simulation,
  names: string[],
): Promise<void> {
  await Promise.all(
    names.map(async (key, index) => {
      await simulation.later(index * 25);
      await simulation.request("mutation", "enqueue", { works: [mutate(key)] });
    }),
  );
}

describe("the loop's scheduled functions are canceled by hand", () => {
  const soon = { runAfter: 30_000 };

  test.each([
    {
      state: "idle",
      // The tick that the enqueue has just scheduled.
      prepare: async (simulation: Simulation) => {
        await simulation.enqueue(act("last"));
      },
      works: ["last"],
      rescue: async (simulation: Simulation) => {
        await simulation.enqueue(act("next"));
      },
    },
    {
      state: "running",
      prepare: async (simulation: Simulation) => {
        void enqueueOften(simulation, keys(60));
      },
      works: keys(60),
    },
    {
      state: "saturated",
      prepare: async (simulation: Simulation) => {
        await simulation.setLimit(2);
        const works = keys(8).map((key) => act(key, { ms: 2_000 }));
        await simulation.enqueue(...works);
      },
      works: keys(8),
    },
    {
      state: "scheduled",
      prepare: async (simulation: Simulation) => {
        await simulation.enqueue(act("later", {}, soon));
      },
      works: ["later"],
    },
  ])("while it is $state: the pool goes on", async ({ state, ...history }) => {
    const simulation = await Simulation.open();
    await history.prepare(simulation);
    const inState = () =>
      simulation.rows("runStatus", "workpool")[0]?.state.kind === state;
    if (state !== "idle") {
      expect(await simulation.until(inState, 5_000)).not.toBeNull();
    }
    const chain = ticks(simulation).filter(
      ({ args }) => args[0].at === undefined,
    );
    if (state !== "saturated") expect(chain).not.toEqual([]);
    cancelJobs(simulation, chain);
    // A pool without a watchdog has nobody but its callers: the next of them wakes it.
    await history.rescue?.(simulation);

    await simulation.drain();
    expect(outcomes(simulation)).toMatchObject(all(history.works, "success"));
    expectAtRest(simulation);
  });

  test.each(["running", "saturated", "scheduled"] as const)(
    "the watchdog too, while it is %s: whoever comes next takes over",
    async (state) => {
      const simulation = await Simulation.open();
      if (state === "saturated") await simulation.setLimit(2);
      const names = { running: keys(60), saturated: keys(6), scheduled: ["w"] }[
        state
      ];
      if (state === "running") void enqueueOften(simulation, names);
      else if (state === "scheduled")
        await simulation.enqueue(act("w", {}, soon));
      else
        await simulation.enqueue(
          ...names.map((key) => act(key, { ms: 25_000 })),
        );
      const inState = () =>
        simulation.rows("runStatus", "workpool")[0]?.state.kind === state;
      expect(await simulation.until(inState, 10_000)).not.toBeNull();
      cancelJobs(simulation, ticks(simulation));
      await simulation.pass(100_000);
      await simulation.enqueue(mutate("next"));
      await simulation.drain();
      expect(outcomes(simulation)).toEqual(all(["next", ...names], "success"));
      expectAtRest(simulation);
    },
  );
});
