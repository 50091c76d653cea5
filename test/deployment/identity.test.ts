/** Unique works, where many clients enqueue at once and works begin and end meanwhile. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pushedApp } from "../../sim/push.js";
import { expectAtRest } from "./invariants.js";
import { Simulation } from "./simulation.js";

const APP = fileURLToPath(new URL("identityApp", import.meta.url));
const MINUTE = 60_000;

async function open(): Promise<Simulation> {
  return await Simulation.open({ app: await pushedApp(APP) });
}

type Enqueued = { id: string; isNew: boolean; replaced: boolean };
type Call = {
  key: string;
  name?: string;
  ms?: number;
  unique: Record<string, unknown>;
};

const enqueue = (simulation: Simulation, call: Call): Promise<Enqueued> =>
  simulation.mutation("enqueueUnique", call);
const together = (
  simulation: Simulation,
  calls: readonly Call[],
): Promise<Enqueued[]> =>
  simulation.settle(
    Promise.all(
      calls.map((call) =>
        simulation.request("mutation", "enqueueUnique", call),
      ),
    ),
  );
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const begun = (simulation: Simulation) =>
  simulation.handlers.begun.map(({ key }) => key);

test("of 60 clients that enqueue one key at the same time, one enqueues and the others find it", async () => {
  const simulation = await open();
  const unique = { scope: "active" };
  const answers = await together(
    simulation,
    times(60, () => ({ key: "k", ms: 5_000, unique })),
  );
  expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  await simulation.drain();
  expect(begun(simulation)).toEqual(["k"]);
  expectAtRest(simulation);
});

test("clients of different keys do not get in each other's way", async () => {
  const simulation = await open();
  await enqueue(simulation, { key: "first", unique: { scope: "active" } });
  await simulation.drain();
  simulation.resetStats();
  const answers = await together(
    simulation,
    times(60, (n) => ({ key: `k${n}`, unique: { scope: "active" } })),
  );
  expect(answers.every(({ isNew }) => isNew)).toBe(true);
  const conflicts = Object.entries(simulation.stats())
    .filter(([name]) => name.includes("enqueueUnique"))
    .reduce((sum, [, stats]) => sum + stats.conflicts, 0);
  // Two of them may meet where the table was empty.
  expect(conflicts).toBeLessThanOrEqual(6);
  await simulation.drain();
  expectAtRest(simulation);
});

test("in the scope active, whatever the moment of a duplicate, two of one key never run at once", async () => {
  const simulation = await open();
  const inFlight = new Map<string, number>();
  let most = 0;
  const change = (key: string, by: number) => {
    inFlight.set(key, (inFlight.get(key) ?? 0) + by);
    most = Math.max(most, inFlight.get(key)!);
  };
  simulation.handlers.onBegin = ({ key }) => change(key, 1);
  simulation.handlers.onEnd = ({ key }) => change(key, -1);

  const onDuplicates = ["return", "replace", "runAgain"];
  const pending: Promise<Enqueued>[] = [];
  for (let n = 0; n < 200; n++) {
    const call = {
      key: `k${n % 4}`,
      ms: 30 + ((n * 37) % 200),
      unique: { scope: "active", onDuplicate: onDuplicates[n % 3] },
    };
    pending.push(simulation.request("mutation", "enqueueUnique", call));
    await simulation.pass(13 + ((n * 29) % 40));
  }
  const answers = await simulation.settle(Promise.all(pending));
  await simulation.drain();
  expect(most).toBe(1);
  const works = new Set(answers.map(({ id }) => id));
  expect(answers.filter(({ isNew }) => isNew)).toHaveLength(works.size);
  expect(simulation.handlers.begun).toHaveLength(works.size);
  expect(works.size).toBeGreaterThan(20);
  expectAtRest(simulation);
});

test("duplicates of a work that runs have one more run follow it", async () => {
  const simulation = await open();
  const unique = { scope: "active", onDuplicate: "runAgain" };
  const call = { key: "k", ms: 10_000, unique };
  const first = await enqueue(simulation, call);
  await simulation.pass(2_000);
  const answers = await together(
    simulation,
    times(30, () => call),
  );
  expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
  const [second] = answers;
  expect(answers.every(({ id }) => id === second!.id)).toBe(true);
  expect(second!.id).not.toBe(first.id);
  const info = await simulation.query("get", { id: second!.id });
  expect(info).toMatchObject({ state: "pending", uniqueKey: "k" });
  await simulation.drain();
  const [a, b] = simulation.handlers.begun;
  expect(simulation.handlers.begun).toHaveLength(2);
  expect(b!.at - a!.at).toBeGreaterThanOrEqual(10_000);
  // Woken, and not found by the watchdog.
  expect(b!.at - a!.at).toBeLessThan(11_000);
  expectAtRest(simulation);
});

test("what follows begins also when the worker of the one before it is killed", async () => {
  const simulation = await open();
  const unique = { scope: "active", onDuplicate: "runAgain" };
  await enqueue(simulation, { key: "k", ms: 60_000, unique });
  await simulation.pass(2_000);
  await enqueue(simulation, { key: "k", name: "again", ms: 10, unique });
  await simulation.crash();
  await simulation.drain();
  expect(begun(simulation)).toEqual(["k", "again"]);
  const failed = simulation.rows("work", "workpool");
  expect(failed).toMatchObject([{ uniqueKey: "k" }]);
  expect(failed[0]!.endedAt).toBeGreaterThan(0);
});

test("in a window there is one work, however often it is enqueued", async () => {
  const simulation = await open();
  const unique = { scope: { windowMs: 9.5 * MINUTE } };
  const answers: Enqueued[] = [];
  const start = simulation.now();
  for (let minute = 0; minute < 30; minute++) {
    await simulation.pass(start + minute * MINUTE - simulation.now());
    answers.push(await enqueue(simulation, { key: "k", unique }));
  }
  await simulation.drain();
  const isNew = answers.map((answer) => answer.isNew);
  expect(isNew.filter(Boolean)).toHaveLength(3);
  expect([isNew[0], isNew[10], isNew[20]]).toEqual([true, true, true]);
  expect(begun(simulation)).toHaveLength(3);
});

test("a burst is debounced: the work runs once after it, and during a long one as often as the most allows", async () => {
  const simulation = await open();
  const unique = {
    scope: "waiting",
    onDuplicate: "replace",
    delayMs: 5_000,
    maxDelayMs: 11_500,
  };
  const start = simulation.now();
  for (let second = 0; second < 20; second++) {
    const name = `call ${second}`;
    await enqueue(simulation, { key: "k", name, unique });
    await simulation.pass(start + (second + 1) * 1_000 - simulation.now());
  }
  await simulation.drain();
  const runs = simulation.handlers.begun.map(({ key, at }) => [
    key,
    Math.floor((at - start) / 1_000),
  ]);
  expect(runs).toEqual([
    ["call 11", 11],
    ["call 19", 23],
  ]);
  expectAtRest(simulation);
});

test("rows of keys are swept, while there is work", async () => {
  const simulation = await open();
  const unique = { scope: "active" };
  for (let round = 0; round < 6; round++) {
    await together(
      simulation,
      times(120, (n) => ({ key: `k${round}-${n}`, unique })),
    );
    await simulation.pass(15 * MINUTE);
  }
  const left = simulation.rows("unique", "workpool");
  expect(left.length).toBeLessThan(480);
  await simulation.drain();
  expectAtRest(simulation);
});
