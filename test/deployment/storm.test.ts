import { expect, test } from "vitest";
import { all, conflicts, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";
import { act, keys, mutate } from "../../sim/works.js";

const enqueueEach = (simulation: Simulation, names: string[], delayMs = 0) =>
  Promise.all(
    names.map(async (key, index) => {
      if (delayMs > 0) await simulation.later((index * delayMs) / names.length);
      const works = [mutate(key)];
      return await simulation.request("mutation", "enqueue", { works });
    }),
  );

test("200 clients that enqueue into an idle pool at the same time", async () => {
  const simulation = await Simulation.open();
  await simulation.enqueue(mutate("before"));
  await simulation.drain();

  const names = keys(200);
  await simulation.settle(enqueueEach(simulation, names));
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all(["before", ...names], "success"));
  // A wake-up writes nothing shared: nobody gets in anybody's way.
  expect(conflicts(simulation, "requests:enqueue")).toBeLessThanOrEqual(2);
  expectAtRest(simulation);
});

test("200 clients that enqueue into a busy pool within two seconds", async () => {
  const simulation = await Simulation.open();
  const busy = keys(60, "busy");
  await simulation.enqueueTogether(...busy.map((key) => act(key, { ms: 300 })));
  await simulation.pass(200);

  const names = keys(200);
  await simulation.settle(enqueueEach(simulation, names, 2_000));
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all([...busy, ...names], "success"));
  expect(conflicts(simulation, "requests:enqueue")).toBeLessThanOrEqual(10);
  expectAtRest(simulation);
});

test("an enqueue that rolls back leaves nothing, also of its wake-up", async () => {
  const simulation = await Simulation.open();
  const works = [act("a"), mutate("b")];
  await expect(
    simulation.mutation("enqueueAndFail", { works }),
  ).rejects.toThrow("all or nothing");
  expect(simulation.rows("work", "workpool")).toEqual([]);
  expect(simulation.rows("_scheduled_functions", "workpool")).toEqual([]);
});

test("actions enqueue too", async () => {
  const simulation = await Simulation.open();
  const names = keys(30);
  const works = names.map((key) => mutate(key));
  await simulation.settle(
    simulation.request("action", "enqueueFromAction", { works }),
  );
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expectAtRest(simulation);
});
