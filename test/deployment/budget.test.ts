/** Callbacks that together use more than one transaction may. */
import { expect, test } from "vitest";
import { all, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";
import { act, keys } from "../../sim/works.js";
import type { Work } from "../../sim/app/convex/works.js";

/** One transaction may schedule 1,000 functions. */
const scheduling = (work: Work, count: number): Work => ({
  ...work,
  onComplete: "recordAndSchedule",
  context: { key: work.args.key, count },
});

/** Of reports and of callbacks. */
const failures = (simulation: Simulation) =>
  simulation.log.filter((line) =>
    /report .* failed|onComplete .* failed/.test(line),
  );

test("what many callbacks in one report use leaves room for recording; none fails for it", async () => {
  // Two executors at most: six of the works end together in each.
  const simulation = await Simulation.open({ deploymentClass: "S16" });
  await simulation.setLimit(12);
  const names = keys(12);
  await simulation.enqueueTogether(
    ...names.map((key) => scheduling(act(key, { ms: 100 }), 200)),
  );
  await simulation.drain();
  expect(failures(simulation)).toEqual([]);
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expectAtRest(simulation);
});
