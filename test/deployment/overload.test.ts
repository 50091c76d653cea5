import { expect, test } from "vitest";
import { all, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";
import { act, keys } from "../../sim/works.js";

test("works that the platform refuses to start wait for their turn, free of charge", async () => {
  // S16 runs 64 actions at a time, and refuses those that have waited ten seconds.
  const simulation = await Simulation.open({ deploymentClass: "S16" });
  await simulation.setLimit(100);
  const names = keys(80);
  await simulation.enqueueTogether(
    ...names.map((key) => act(key, { ms: 15_000 })),
  );
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expect(countByKey(simulation.rows("attempts"))).toEqual(all(names, 1));
  expect(simulation.log.join("\n")).toContain("was not started");
  expectAtRest(simulation);
});
