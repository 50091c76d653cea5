import { expect, test } from "vitest";
import { all, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";
import { act, keys, mutate } from "../../sim/works.js";

const MINUTE = 60_000;

const inPool = (
  simulation: Simulation,
  pool: "workpool" | "second",
  names: string[],
) =>
  simulation.mutation("enqueue", {
    pool,
    works: names.map((key) => act(key, { ms: 300 })),
  });

test("two pools of one definition do not see each other", async () => {
  const simulation = await Simulation.open();
  const [first] = (await inPool(simulation, "workpool", keys(30, "first"))) as [
    string,
  ];
  const [second] = (await inPool(simulation, "second", keys(10, "second"))) as [
    string,
  ];
  await simulation.pass(200);
  const states = async (pool: string, id: string) =>
    (await simulation.query("status", { pool, id })).state;
  expect(await states("workpool", first)).toBe("running");
  expect(await states("second", second)).toBe("running");
  // Ids of the other pool mean nothing.
  expect(await states("second", first)).toBe("finished");
  expect(await simulation.query("get", { pool: "second", id: first })).toBe(
    null,
  );
  await simulation.mutation("cancel", { pool: "second", id: first });

  // Each has its own limit: the first 20, the second 2.
  expect(simulation.handlers.most).toBe(22);
  await simulation.mutation("setLimit", { maxParallelism: 0 });
  await simulation.pass(20_000);
  expect(simulation.rows("outcomes").map(({ key }) => key)).toEqual(
    expect.arrayContaining(keys(10, "second")),
  );
  await simulation.mutation("setLimit", { maxParallelism: null });
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(
    all([...keys(30, "first"), ...keys(10, "second")], "success"),
  );
  expectAtRest(simulation, "workpool");
  expectAtRest(simulation, "second");
});

test("what the code declares is in force; what was set at run time wins until it is cleared", async () => {
  const simulation = await Simulation.open();
  const most = async (names: string[]) => {
    const before = simulation.handlers.begun.length;
    await inPool(simulation, "second", names);
    await simulation.drain();
    return Math.max(
      ...simulation.handlers.begun
        .slice(before)
        .map(({ inFlight }) => inFlight),
    );
  };
  const setLimit = (maxParallelism: number | null) =>
    simulation.mutation("setLimit", { pool: "second", maxParallelism });

  expect(await most(keys(8, "declared"))).toBe(2);
  await setLimit(5);
  expect(await most(keys(12, "override"))).toBe(5);
  // Every enqueue carries what the code says, and so it does here.
  await simulation.pass(2 * MINUTE);
  expect(await most(keys(12, "still"))).toBe(5);
  await setLimit(null);
  expect(await most(keys(8, "cleared"))).toBe(2);
  expectAtRest(simulation, "second");
});

test("a pool that is paused before anything was enqueued stays paused", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(0);
  await simulation.enqueue(mutate("a"));
  await simulation.pass(10 * MINUTE);
  expect(outcomes(simulation)).toEqual({});
  await simulation.setLimit(null);
  await simulation.drain();
  expect(outcomes(simulation)).toEqual({ a: "success" });
  expectAtRest(simulation);
});
