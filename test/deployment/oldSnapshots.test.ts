/** Platforms whose stale snapshots are old: what a query work sees and costs others, and what the loop makes of them. */
import { expect, test } from "vitest";
import { all, expectAtRest, outcomes } from "./invariants.js";
import type { Work } from "../../sim/app/convex/works.js";
import { Simulation } from "./simulation.js";
import { act, keys, mutate, read } from "../../sim/works.js";

/** Far longer than the tests take from an enqueue to the end of the work. */
const OLD_MS = 5_000;

const resultOf = (simulation: Simulation, key: string): unknown =>
  simulation.rows("outcomes").find((row) => row.key === key)?.result
    .returnValue;
/** How often a work's mutation lost a race. */
const conflicts = (simulation: Simulation): number =>
  simulation.stats()["workpool|executor/transaction:run"]?.conflicts ?? 0;

/** A deployment on which something has happened for longer than snapshots are old. */
async function open(staleSnapshotAgeMs: number): Promise<Simulation> {
  const simulation = await Simulation.open({ limits: { staleSnapshotAgeMs } });
  for (let count = 0; count < 2; count++) {
    await simulation.pass(2 * OLD_MS);
    await simulation.enqueue(mutate(`early ${count}`));
  }
  await simulation.drain();
  return simulation;
}

test.each([0, OLD_MS])(
  "it sees everything committed before its work, however old snapshots are (%i ms)",
  async (age) => {
    const simulation = await open(age);
    await simulation.mutation("put", { key: "a" });
    await simulation.enqueue(read("a"));
    await simulation.drain();
    expect(resultOf(simulation, "a")).toBe("read 1");
  },
);

test.each([
  [
    "takes no read dependencies: who writes what it reads meanwhile is no conflict",
    0,
    0,
  ],
  [
    "takes them where the snapshot is older than its work: it runs again",
    OLD_MS,
    1,
  ],
])("it %s", async (_, age, atLeast) => {
  const simulation = await open(age);
  simulation.resetStats();
  const names = keys(20);
  for (const key of names) {
    await simulation.enqueue(read(key));
    // Between the begin and the commit of the work's mutation, somewhere.
    for (let count = 0; count < 12; count++) {
      await simulation.mutation("put", { key });
    }
  }
  await simulation.drain();
  expect(outcomes(simulation)).toMatchObject(all(names, "success"));
  if (atLeast === 0) expect(conflicts(simulation)).toBe(0);
  else expect(conflicts(simulation)).toBeGreaterThanOrEqual(atLeast);
  expectAtRest(simulation);
});

test("works in a pool whose every snapshot is old start and end all the same", async () => {
  const simulation = await open(OLD_MS);
  const names = keys(60);
  for (const key of names.slice(0, 10)) await simulation.enqueue(mutate(key));
  await simulation.enqueueTogether(
    ...names.slice(10).map((key) => mutate(key)),
  );
  await simulation.drain();
  expect(outcomes(simulation)).toMatchObject(all(names, "success"));
  expectAtRest(simulation);
});

test.each([0, OLD_MS])(
  "a driver's report goes on with what its own callbacks enqueue (snapshots %i ms old)",
  async (age) => {
    const simulation = await open(age);
    const names = keys(10);
    for (let count = 0; count < 4; count++) {
      await simulation.enqueue(mutate(`stream ${count}`));
      await simulation.pass(150);
    }
    const chain = names.reduceRight<Work[]>((works, key) => {
      const context = { key, works, cancel: [] };
      return [act(key, {}, { onComplete: "recordAndGoOn", context })];
    }, []);
    await simulation.enqueue(...chain);
    await simulation.drain();
    expect(outcomes(simulation)).toMatchObject(all(names, "success"));
    expect(simulation.log.filter((line) => /failed/.test(line))).toEqual([]);
    expectAtRest(simulation);
  },
);
