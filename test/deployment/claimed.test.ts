/** What `get` and `health` say is running, beside what handlers really run. */
import { expect, test } from "vitest";
import type { Work } from "../../sim/app/convex/works.js";
import { act, keys } from "../../sim/works.js";
import { all, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";

const LIMIT = 5;
/** A report takes so long at most to tell of what an executor has begun. */
const REPORTED_MS = 250;

/** When the handler of each work began and ended. */
class Ledger {
  readonly began = new Map<string, number>();
  readonly ended = new Map<string, number>();

  constructor(simulation: Simulation) {
    const { handlers } = simulation;
    handlers.onBegin = ({ key, at }) => void this.began.set(key, at);
    handlers.onEnd = ({ key }) => void this.ended.set(key, simulation.now());
  }

  hasBegun(key: string, by: number): boolean {
    return (this.began.get(key) ?? Infinity) <= by;
  }
  /** Since `from` at the latest, and still at `to`. */
  ran(key: string, from: number, to: number): boolean {
    return this.hasBegun(key, from) && (this.ended.get(key) ?? Infinity) > to;
  }
}

type Sample = {
  from: number;
  to: number;
  running: number;
  claimed: number;
  inFlight: number;
  executors: { running: number; claimed: number; inFlight: number }[];
  states: Map<string, string>;
};

async function sample(
  simulation: Simulation,
  ids: Map<string, string>,
): Promise<Sample> {
  const from = simulation.now();
  const { health, states } = await simulation.query("survey", {
    ids: [...ids.values()],
  });
  const to = simulation.now();
  const stateOf = [...ids.keys()].map((key, index) => [key, states[index]]);
  return {
    ...health,
    from,
    to,
    states: new Map(stateOf as [string, string][]),
  };
}

function inState(of: Sample, state: string): string[] {
  return [...of.states].filter((each) => each[1] === state).map(([key]) => key);
}

const sum = (numbers: number[]) => numbers.reduce((total, n) => total + n, 0);

async function enqueue(simulation: Simulation, works: Work[]) {
  await simulation.setLimit(LIMIT);
  const ids = await simulation.enqueueTogether(...works);
  return new Map(works.map(({ args }, index) => [args.key, ids[index]!]));
}

/** What is said agrees with itself, with the limit, and with what handlers did. */
function expectTrue(seen: Sample, ledger: Ledger): void {
  const { running, claimed, inFlight, executors, from, to } = seen;
  expect(running).toBeLessThanOrEqual(LIMIT);
  expect(running + claimed).toBe(inFlight);
  expect(sum(executors.map((each) => each.running))).toBe(running);
  expect(sum(executors.map((each) => each.claimed))).toBe(claimed);
  for (const key of inState(seen, "running")) {
    expect([key, ledger.hasBegun(key, to + REPORTED_MS)]).toEqual([key, true]);
  }
  for (const key of ["pending", "finished"].flatMap((state) =>
    inState(seen, state),
  )) {
    expect([key, ledger.ran(key, from, to)]).toEqual([key, false]);
  }
  for (const key of seen.states.keys()) {
    if (!ledger.ran(key, from - REPORTED_MS, to)) continue;
    expect([key, seen.states.get(key)]).toEqual([key, "running"]);
  }
}

const SHORT = keys(200, "short").map((key, index) =>
  act(key, { ms: 20 + ((index * 37) % 90) }),
);
const MIXED = keys(200, "mixed").map((key, index) =>
  act(key, { ms: index % 10 === 3 ? 4_000 : 30 + ((index * 53) % 200) }),
);

test.each([
  ["short works", SHORT, 60],
  ["short and long works", MIXED, 410],
])(
  "of 200 %s, never more than the limit are said to be running",
  async (_, works, everyMs) => {
    const simulation = await Simulation.open({ seed: 3 });
    const ledger = new Ledger(simulation);
    const ids = await enqueue(simulation, works);
    const samples: Sample[] = [];
    while (ledger.ended.size < works.length) {
      await simulation.pass(everyMs);
      samples.push(await sample(simulation, ids));
    }
    await simulation.pass(REPORTED_MS);
    expect(samples.length).toBeGreaterThan(8);
    for (const seen of samples) {
      expect(inState(seen, "running")).toHaveLength(seen.running);
      expectTrue(seen, ledger);
    }
    const most = (state: string) =>
      Math.max(...samples.map((seen) => inState(seen, state).length));
    expect(most("running")).toBe(LIMIT);
    expect(most("claimed")).toBeGreaterThan(0);
    await simulation.drain();
    expect(outcomes(simulation)).toEqual(
      all(
        works.map(({ args }) => args.key),
        "success",
      ),
    );
    expectAtRest(simulation);
  },
);

test("of 50 long works exactly as many run as the limit allows, and these are the ones that do", async () => {
  const simulation = await Simulation.open();
  const ledger = new Ledger(simulation);
  const works = keys(50).map((key) => act(key, { ms: 60_000 }));
  const ids = await enqueue(simulation, works);
  await simulation.pass(2_000);
  for (let n = 0; n < 5; n++) {
    await simulation.pass(5_000);
    const seen = await sample(simulation, ids);
    expect(seen).toMatchObject({ running: LIMIT, claimed: 0, inFlight: LIMIT });
    expect(inState(seen, "running").sort()).toEqual(
      [...ledger.began.keys()].sort(),
    );
    expect(inState(seen, "pending")).toHaveLength(45);
  }
});

test("after the limit was lowered, what began before is still said to be running", async () => {
  const simulation = await Simulation.open();
  const ledger = new Ledger(simulation);
  const works = keys(20).map((key) => act(key, { ms: 20_000 }));
  const ids = await enqueue(simulation, works);
  await simulation.pass(2_000);
  await simulation.setLimit(2);
  await simulation.pass(2_000);
  const seen = await sample(simulation, ids);
  expect(seen).toMatchObject({ running: LIMIT, claimed: 0 });
  expect(inState(seen, "running").sort()).toEqual(
    [...ledger.began.keys()].sort(),
  );
  await simulation.pass(20_000);
  const later = await sample(simulation, ids);
  expect(later.running).toBe(2);
  expect(inState(later, "running")).toHaveLength(2);
  expect(simulation.handlers.inFlight).toBe(2);
});
