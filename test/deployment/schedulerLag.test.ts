/** The scheduler is late by minutes: those who notice must not make it later. */
import { expect, test } from "vitest";
import { insertJob } from "../../embedded/src/scheduler/jobs.js";
import { jobsOf } from "../../sim/jobs.js";
import { act, keys } from "../../sim/works.js";
import { expectAtRest, failedMutations, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";

const MINUTE = 60_000;

/** The app's own scheduled functions take all slots of the scheduler as they become free. */
function crowd(simulation: Simulation, count: number, ms: number): void {
  const now = simulation.now();
  simulation.intervene((transaction) => {
    for (let i = 0; i < count; i++) {
      insertJob(transaction, {
        namespace: "",
        target: { component: "", name: "clients:occupy" },
        args: { ms },
        time: now,
        now,
        parent: null,
      });
    }
  });
}

const takeovers = (simulation: Simulation) =>
  jobsOf(simulation, "loop/tick").filter(({ args }) => args[0].takeover).length;

test("200 enqueues, cancels and reports during three minutes of lag schedule one takeover", async () => {
  const simulation = await Simulation.open({ deploymentClass: "S16" });
  await simulation.setLimit(20);
  const busy = keys(200, "busy");
  await simulation.enqueueTogether(
    ...busy.map((key) => act(key, { ms: 4_000 })),
  );
  await simulation.pass(2_000);
  expect(simulation.handlers.inFlight).toBe(20);

  crowd(simulation, 16, 3 * MINUTE);
  let most = 0;
  simulation.onCommit(({ writes }) => {
    if (writes.some(({ table }) => table === "_scheduled_functions")) {
      most = Math.max(most, takeovers(simulation));
    }
  });
  const names = keys(100, "late");
  for (const [index, key] of names.entries()) {
    const [id] = await simulation.enqueue(act(key));
    if (index % 2 === 1) await simulation.mutation("cancel", { id });
    await simulation.pass(3_500);
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(2);

  await simulation.drain();
  const ended = outcomes(simulation);
  expect(Object.keys(ended)).toHaveLength(busy.length + names.length);
  expect(busy.filter((key) => ended[key] !== "success")).toEqual([]);
  expect(failedMutations(simulation)).toEqual([]);
  expectAtRest(simulation);
});
