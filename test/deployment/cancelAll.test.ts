/** All of a pool's works are canceled, whatever they carry: a deletion reads what it deletes. */
import { describe, expect, test } from "vitest";
import type { Work } from "../../sim/app/convex/works.js";
import { keys } from "../../sim/works.js";
import { expectAtRest } from "./invariants.js";
import { Simulation } from "./simulation.js";

const LARGE = 200_000;
const COUNT = 200;
/** A call of the component carries 16 MiB at most. */
const PER_CALL = 30;

function inflate(key: string, bytes: number, options: Partial<Work> = {}) {
  const args = { key, padding: "p".repeat(bytes), resultBytes: 1 };
  return { fnType: "action" as const, fn: "inflate", args, ...options };
}

/** In a paused pool; the works are not all of one transaction, nor one in each. */
async function paused(works: readonly Work[]): Promise<Simulation> {
  const simulation = await Simulation.open();
  await simulation.setLimit(0);
  for (let start = 0; start < works.length; start += PER_CALL) {
    await simulation.enqueueTogether(...works.slice(start, start + PER_CALL));
  }
  return simulation;
}

function expectAllCanceled(simulation: Simulation): void {
  expect(simulation.rows("work", "workpool")).toEqual([]);
  const jobs = simulation.rows("_scheduled_functions", "workpool");
  expect(jobs.filter(({ state }) => state.kind === "failed")).toEqual([]);
}

describe("200 works of 200 kB each, in pages of any length", () => {
  test.each([7, 100, 1_000])("%i", async (limit) => {
    const simulation = await paused(
      keys(COUNT).map((key) => inflate(key, LARGE, { onComplete: null })),
    );
    await simulation.mutation("cancelAll", { limit });
    await simulation.pass(60_000);
    expectAllCanceled(simulation);
    await simulation.setLimit(10);
    await simulation.drain();
    expectAtRest(simulation);
  });
});

test("large works behind a page of small ones are canceled too", async () => {
  const large = keys(100, "large").map((key) =>
    inflate(key, LARGE, { onComplete: null }),
  );
  const small = keys(100, "small").map((key) => inflate(key, 1));
  const simulation = await paused([...large, ...small]);
  await simulation.mutation("cancelAll", {});
  await simulation.pass(60_000);
  expectAllCanceled(simulation);
});

test("contexts that nobody will be told are deleted unseen, but count", async () => {
  const simulation = await paused(
    keys(COUNT).map((key) =>
      inflate(key, 1, {
        context: { key: key + "c".repeat(LARGE) },
        excludeKinds: ["canceled"],
      }),
    ),
  );
  await simulation.mutation("cancelAll", {});
  await simulation.pass(60_000);
  expectAllCanceled(simulation);
  expect(simulation.rows("outcomes")).toEqual([]);
  await simulation.setLimit(10);
  await simulation.drain();
  expectAtRest(simulation);
});

test("contexts of callbacks go with them: each is told once", async () => {
  const contextOf = (key: string) => key + "c".repeat(LARGE);
  const names = keys(60);
  const simulation = await paused(
    names.map((key) =>
      inflate(key, LARGE, { context: { key: contextOf(key) } }),
    ),
  );
  await simulation.mutation("cancelAll", {});
  await simulation.pass(60_000);
  expectAllCanceled(simulation);
  await simulation.setLimit(10);
  await simulation.drain();
  expect(
    simulation
      .rows("outcomes")
      .map(({ key, result }) => [key, result.kind])
      .sort(),
  ).toEqual(names.map((key) => [contextOf(key), "canceled"]).sort());
  expectAtRest(simulation);
});

test("1,000 small works with callbacks are one page's limit, but not one transaction", async () => {
  const names = keys(1_000);
  const simulation = await paused(names.map((key) => inflate(key, 9_000)));
  await simulation.mutation("cancelAll", { limit: 1_000 });
  await simulation.pass(60_000);
  expectAllCanceled(simulation);
  await simulation.setLimit(10);
  await simulation.drain();
  expect(simulation.rows("outcomes")).toHaveLength(names.length);
  expectAtRest(simulation);
});

test("works that were enqueued in the same instant need not share a page", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(0);
  // What begins before one of them commits creates its documents at the same time.
  simulation.clock.stop();
  await simulation.settle(
    Promise.all(
      keys(90).map((key) =>
        simulation.request("mutation", "enqueue", {
          dawdle: 20,
          works: [inflate(key, LARGE, { onComplete: null })],
        }),
      ),
    ),
  );
  simulation.clock.resume();
  const times = simulation
    .rows("work", "workpool")
    .map(({ _creationTime }) => _creationTime);
  expect(new Set(times).size).toBeLessThan(times.length / 2);

  await simulation.mutation("cancelAll", { limit: 3 });
  expect(simulation.rows("work", "workpool")).toHaveLength(87);
  await simulation.pass(60_000);
  expectAllCanceled(simulation);
});
