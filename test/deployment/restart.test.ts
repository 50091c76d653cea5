/** The deployment restarts while much is in flight: nothing of it may keep the pool from going on. */
import { describe, expect, test } from "vitest";
import type { Work } from "../../sim/app/convex/works.js";
import { act, keys } from "../../sim/works.js";
import {
  all,
  expectAtRest,
  failedMutations,
  outcomes,
  rowsInUse,
} from "./invariants.js";
import { carry, enqueueLarge } from "./largeWorks.js";
import { Simulation } from "./simulation.js";

/** After this time everything goes on. */
const GOES_ON_MS = 60_000;
const KEPT_MS = 60 * 60_000;
const LOST = /worker that ran this attempt/;
const MINUTES = { ms: 5 * 60_000 };

const LOADS: { load: string; count: number; work: (key: string) => Work }[] = [
  {
    load: "200 × 100 kB of arguments",
    count: 200,
    work: (key) => carry(key, { argBytes: 100_000, ...MINUTES }),
  },
  {
    load: "400 × 50 kB of arguments",
    count: 400,
    work: (key) => carry(key, { argBytes: 50_000, ...MINUTES }),
  },
  {
    load: "200 × 100 kB of contexts that nobody will be told",
    count: 200,
    work: (key) => ({
      ...carry(key, MINUTES),
      context: { key, padding: "c".repeat(100_000) },
      excludeKinds: ["success", "failed", "canceled"],
    }),
  },
];

/** Wait behind the load as the deployment goes down. */
const WAITING = keys(20, "waiting");

/** All of the load runs as the deployment goes down and comes back. */
async function restarted(
  load: (typeof LOADS)[number],
  others: (simulation: Simulation) => Promise<void> = async () => {},
): Promise<Simulation> {
  const simulation = await Simulation.open();
  await simulation.setLimit(0);
  await enqueueLarge(simulation, [
    ...keys(load.count).map((key) => ({
      ...load.work(key),
      statusTtl: KEPT_MS,
    })),
    ...WAITING.map((key) => act(key)),
  ]);
  await simulation.setLimit(load.count);
  await simulation.pass(10_000);
  expect(simulation.handlers.inFlight).toBe(load.count);
  await others(simulation);
  await simulation.crash();
  return simulation;
}

async function expectToGoOn(
  simulation: Simulation,
  count: number,
): Promise<void> {
  await simulation.pass(GOES_ON_MS);
  expect(outcomes(simulation)).toMatchObject(
    all(["new", ...WAITING], "success"),
  );
  for (const table of ["work", "running", "payload", "pendingStart"]) {
    expect(rowsInUse(simulation, table), table).toEqual([]);
  }
  const ended = simulation
    .rows("complete", "workpool")
    .filter(({ fnName }) => fnName.includes("inflate"));
  expect(ended).toHaveLength(count);
  const others = ended.filter(
    ({ result }) => result.kind !== "failed" || !LOST.test(result.error),
  );
  expect(others).toEqual([]);
  expect(failedMutations(simulation)).toEqual([]);
}

describe.each(LOADS)("$load in flight, no retry", (load) => {
  test("all of it ends, and what comes after runs within a minute", async () => {
    const simulation = await restarted(load);
    await simulation.enqueue(act("new"));
    await expectToGoOn(simulation, load.count);
    await simulation.drain();
    expectAtRest(simulation);
  });
});

test("whoever kicks the pool meanwhile does no harm", async () => {
  const [load] = LOADS as [(typeof LOADS)[number]];
  const simulation = await restarted(load);
  await simulation.enqueue(act("new"));
  for (let kicks = 0; kicks < 5; kicks++) {
    await simulation.mutation("kick");
    await simulation.pass(2_000);
  }
  await expectToGoOn(simulation, load.count);
});

test("another pool of the same app takes no notice", async () => {
  const [load] = LOADS as [(typeof LOADS)[number]];
  const names = keys(40, "other");
  const retry = { maxAttempts: 2, initialBackoffMs: 100, base: 2 };
  const simulation = await restarted(load, async (simulation) => {
    const works = names.map((key) => act(key, { ms: 500 }, { retry }));
    await simulation.mutation("enqueue", { pool: "second", works });
    await simulation.pass(3_000);
  });

  // Two at a time, half a second each, and whoever ran is noticed within 15 s.
  await simulation.pass(30_000);
  expect(outcomes(simulation)).toMatchObject(all(names, "success"));
  expect(failedMutations(simulation, "second")).toEqual([]);
  await simulation.drain();
  expectAtRest(simulation, "second");
  expectAtRest(simulation, "workpool");
});
