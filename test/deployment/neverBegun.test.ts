/**
 * An executor dies: what it cannot have begun has used up no attempt. Nobody knows what
 * it began since its last report: with works as short as the time between two reports,
 * so many are in doubt as have slots.
 */
import { expect, test } from "vitest";
import { act, keys } from "../../sim/works.js";
import { all, expectAtRest, outcomes } from "./invariants.js";
import { SYSTEM_ERROR } from "./processes.js";
import { Simulation } from "./simulation.js";

const NAMES = keys(400);
/** The pool's own. */
const LIMIT = 10;

/** So many works the executors were given, and have not reported. */
const delivered = (simulation: Simulation) =>
  simulation
    .rows("executorStats", "workpool")
    .flatMap(({ open }) => open as { left: number[] }[])
    .reduce((sum, { left }) => sum + left.length, 0);

test.each([900, 1_400, 1_900, 2_300])(
  "after %i ms: only what had begun, or was about to, fails with it",
  async (afterMs) => {
    const simulation = await Simulation.open();
    await simulation.enqueueTogether(
      ...NAMES.map((key) => act(key, { ms: 80 })),
    );
    // Short works make a buffer. Its first tick is the start of the history.
    await simulation.until(() => simulation.handlers.begun.length > 0, 5_000);
    await simulation.pass(afterMs);
    expect(delivered(simulation)).toBeGreaterThan(simulation.handlers.inFlight);
    const begun = new Set(simulation.handlers.begun.map(({ key }) => key));
    const over = new Set(Object.keys(outcomes(simulation)));
    simulation.processes.killAll(SYSTEM_ERROR);
    await simulation.drain();

    const lost = NAMES.filter((key) => begun.has(key) && !over.has(key));
    expect(lost.length).toBeGreaterThan(0);
    const ended = outcomes(simulation);
    // Whose result was in a report on its way may have succeeded.
    const failed = NAMES.filter((key) => ended[key] === "failed");
    const inDoubt = failed.filter((key) => !lost.includes(key));
    expect(inDoubt.length).toBeLessThanOrEqual(LIMIT);
    const others = NAMES.filter((key) => !failed.includes(key));
    expect(ended).toMatchObject(all(others, "success"));
    const times = (key: string) =>
      simulation.handlers.begun.filter((each) => each.key === key).length;
    expect(NAMES.filter((key) => times(key) > 1)).toEqual([]);
    expect(inDoubt.filter((key) => times(key) > 0)).toEqual([]);
    expectAtRest(simulation);
  },
);

test("long works that were buffered behind short ones are not lost with them", async () => {
  const simulation = await Simulation.open();
  const short = keys(200, "short");
  const long = keys(60, "long");
  await simulation.enqueueTogether(
    ...short.map((key) => act(key, { ms: 60 })),
    ...long.map((key) => act(key, { ms: 40_000 })),
  );
  await simulation.until(
    () => simulation.handlers.begun.some(({ key }) => key.startsWith("long")),
    10_000,
  );
  // By then they have been given back.
  await simulation.pass(5_000);
  const begun = simulation.handlers.begun.map(({ key }) => key);
  simulation.processes.killAll(SYSTEM_ERROR);
  await simulation.drain();
  const ended = outcomes(simulation);
  const failed = Object.keys(ended).filter((key) => ended[key] === "failed");
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.filter((key) => !begun.includes(key))).toEqual([]);
  expect(Object.keys(ended)).toHaveLength(short.length + long.length);
  expectAtRest(simulation);
});
