import { expect, test } from "vitest";
import { Simulation } from "./simulation.js";
import { act, keys, mutate } from "../../sim/works.js";

async function history(seed: number) {
  const simulation = await Simulation.open({ seed });
  await simulation.setLimit(3);
  const works = keys(12).map((key) => act(key, { ms: 30, failures: 1 }));
  const clients = [...works, mutate("m")].map((work) =>
    simulation.request("mutation", "enqueue", { works: [work] }),
  );
  await simulation.settle(Promise.all(clients));
  await simulation.pass(300);
  await simulation.crash();
  await simulation.drain();
  return {
    begun: simulation.handlers.begun,
    outcomes: simulation.rows("outcomes"),
    over: simulation.now(),
  };
}

test("the same seed is the same history, to the nanosecond and to the letter", async () => {
  const first = await history(7);
  expect(await history(7)).toEqual(first);
  expect((await history(8)).begun).not.toEqual(first.begun);
});
