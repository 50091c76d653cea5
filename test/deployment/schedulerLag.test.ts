/** The scheduler is late by minutes: those who notice must not make it later. */
import { expect, test } from "vitest";
import { insertJob } from "../../embedded/src/scheduler/jobs.js";
import { jobsOf, ticks } from "../../sim/jobs.js";
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

/** For how long the loop's most belated scheduled function has been due. */
const lag = (simulation: Simulation) =>
  Math.max(
    0,
    ...ticks(simulation).map(
      ({ scheduledTime }) => simulation.now() - scheduledTime,
    ),
  );

const takeovers = (simulation: Simulation) =>
  jobsOf(simulation, "loop/tick").filter(({ args }) => args[0].takeover).length;

test("200 enqueues, cancels and reports during three minutes of lag schedule one takeover", async () => {
  const simulation = await Simulation.open({ deploymentClass: "S16" });
  await simulation.setLimit(20);
  // So many that reports and free slots go on all the time.
  const busy = keys(300, "busy");
  await simulation.enqueueTogether(
    ...busy.map((key) => act(key, { ms: 20_000 })),
  );
  await simulation.pass(2_000);
  expect(simulation.handlers.inFlight).toBe(20);

  crowd(simulation, 16, 3 * MINUTE);
  let most = 0;
  let latest = 0;
  simulation.onCommit(({ writes }) => {
    if (writes.some(({ table }) => table === "_scheduled_functions")) {
      most = Math.max(most, takeovers(simulation));
      latest = Math.max(latest, lag(simulation));
    }
  });
  const names = keys(100, "late");
  for (const [index, key] of names.entries()) {
    const [id] = await simulation.enqueue(act(key));
    if (index % 2 === 1) await simulation.mutation("cancel", { id });
    await simulation.pass(3_500);
  }
  expect(latest).toBeGreaterThan(MINUTE);
  expect(most).toBeLessThanOrEqual(2);

  await simulation.drain();
  const ended = outcomes(simulation);
  expect(Object.keys(ended)).toHaveLength(busy.length + names.length);
  expect(busy.filter((key) => ended[key] !== "success")).toEqual([]);
  expect(failedMutations(simulation)).toEqual([]);
  expectAtRest(simulation);
});
