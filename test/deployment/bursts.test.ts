/** More than an executor can be started with arrives in an idle pool at once. */
import { expect, test } from "vitest";
import { act, keys } from "../../sim/works.js";
import { all, expectAtRest, outcomes } from "./invariants.js";
import { carry, enqueueLarge } from "./largeWorks.js";
import { Simulation } from "./simulation.js";

/** An executor asks at once for what was handed over to it beside its first works. */
test.each([
  {
    burst: "200 works of 100 kB",
    works: keys(200).map((key) =>
      carry(key, { argBytes: 100_000, ms: 60_000 }),
    ),
  },
  {
    // More than four executors can be started with, and no more than the class has room for.
    burst: "440 small works",
    works: keys(440).map((key) => act(key, { ms: 60_000 })),
  },
])("$burst begin within a second of each other", async ({ works }) => {
  const simulation = await Simulation.open();
  await simulation.setLimit(works.length);
  await enqueueLarge(simulation, works);
  await simulation.pass(1_000);
  expect(simulation.handlers.inFlight).toBe(works.length);
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(
    all(
      works.map(({ args }) => args.key as string),
      "success",
    ),
  );
  expectAtRest(simulation);
});
