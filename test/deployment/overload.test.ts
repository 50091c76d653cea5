import { expect, test } from "vitest";
import { all, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";
import { act, keys } from "../../sim/works.js";

test("works that the platform refuses to start wait for their turn, free of charge, also those that are not retried", async () => {
  // As if the app itself had most of the 64 permits; one that waits for ten seconds is refused.
  const simulation = await Simulation.open({
    deploymentClass: "S16",
    limits: { concurrency: { actions: 30 } },
  });
  await simulation.setLimit(100);
  const names = keys(80);
  await simulation.enqueueTogether(
    ...names.map((key) => act(key, { ms: 15_000 }, { retry: false })),
  );
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expect(countByKey(simulation.rows("attempts"))).toEqual(all(names, 1));
  expect(simulation.log.join("\n")).toContain("was not started");
  expectAtRest(simulation);
});
