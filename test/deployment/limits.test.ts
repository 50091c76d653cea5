import { expect, test } from "vitest";
import { all, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";
import { act, keys } from "../../sim/works.js";

/**
 * A lowered limit takes hold of each executor with its next report, which comes
 * soon after the end of the next work there: within this time after the
 * longest of its works.
 */
const REPORTED_MS = 150;

async function changeLimit(
  simulation: Simulation,
  limit: number,
): Promise<{ from: number; limit: number }> {
  await simulation.setLimit(limit);
  return { from: simulation.now(), limit };
}

/** Once a change had taken hold, no handler began beyond the new limit. */
function expectLimitsKept(
  simulation: Simulation,
  changes: { from: number; limit: number }[],
  longestWorkMs: number,
): void {
  const takesHoldMs = longestWorkMs + REPORTED_MS;
  const tooMany = changes.flatMap(({ from, limit }, index) => {
    const until = changes[index + 1]?.from ?? Infinity;
    return simulation.handlers.begun.filter(
      ({ at, inFlight }) =>
        at > from + takesHoldMs && at <= until && inFlight > limit,
    );
  });
  expect(tooMany).toEqual([]);
}

test.each([1, 2])(
  "20 → 3 → 0 → 40 under load: no handler starts while the limit is reached (seed %i)",
  async (seed) => {
    const simulation = await Simulation.open({ seed });
    const names = keys(220);
    const works = names.map((key, index) =>
      act(key, { ms: 100 + ((index * 37) % 200) }),
    );
    const changes = [await changeLimit(simulation, 20)];
    await simulation.enqueueTogether(...works);
    await simulation.pass(700);
    expect(simulation.handlers.inFlight).toBeGreaterThan(10);

    changes.push(await changeLimit(simulation, 3));
    const before = simulation.handlers.begun.length;
    await simulation.pass(4_000);
    // A tick that takes back what was handed over may lose to the reports of busy executors for seconds.
    expect(simulation.handlers.begun.length).toBeGreaterThan(before + 5);

    changes.push(await changeLimit(simulation, 0));
    await simulation.pass(3_000);
    expect(simulation.handlers.inFlight).toBe(0);
    const begun = simulation.handlers.begun.length;
    await simulation.pass(60_000);
    expect(simulation.handlers.begun).toHaveLength(begun);

    changes.push(await changeLimit(simulation, 40));
    await simulation.drain();

    expectLimitsKept(simulation, changes, 350);
    expect(simulation.handlers.most).toBe(40);
    expect(outcomes(simulation)).toEqual(all(names, "success"));
    expect(countByKey(simulation.rows("attempts"))).toEqual(all(names, 1));
    expectAtRest(simulation);
  },
);

test("a limit that changes all the time is kept all the time, and nothing gets stuck", async () => {
  const simulation = await Simulation.open({ seed: 5 });
  const names = keys(250);
  const works = names.map((key, index) =>
    act(key, { ms: 20 + ((index * 53) % 60) }),
  );
  const limits = [7, 2, 12, 1, 0, 4, 9, 3, 16, 1, 20];
  const changes = [await changeLimit(simulation, 10)];
  await simulation.enqueueTogether(...works);
  for (const [index, limit] of limits.entries()) {
    await simulation.pass(400 + ((index * 97) % 200));
    changes.push(await changeLimit(simulation, limit));
  }
  await simulation.drain();
  expectLimitsKept(simulation, changes, 130);
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expect(countByKey(simulation.rows("attempts"))).toEqual(all(names, 1));
  expectAtRest(simulation);
});

test("a paused pool makes no calls, whatever waits in it", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(0);
  await simulation.enqueueTogether(...keys(40).map((key) => act(key)));
  await simulation.pass(60_000);
  simulation.resetStats();
  await simulation.pass(60 * 60_000);
  expect(simulation.stats()).toEqual({});
  await simulation.setLimit(10);
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all(keys(40), "success"));
  expectAtRest(simulation);
});
