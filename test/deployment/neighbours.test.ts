/** What the app's own functions and other pools have of a deployment beside a busy pool. */
import { expect, test } from "vitest";
import { act, keys, mutate } from "../../sim/works.js";
import { all, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";

/** As S16 has room for, beside the app's own functions. */
const ROOM = { actions: 48, transactions: 12 };
/** Of a work that writes: its transaction stays open for so long. */
const TRANSACTION_MS = 100;
const OWN_CALLS = 60;
const OWN_EVERY_MS = 50;

/** Transactions of works that executors have called and that are not over, at most. */
class Transactions {
  private inFlight = 0;
  most = 0;

  readonly observer = ({ name }: { name: string }): (() => void) | null => {
    if (name !== "executor/transaction:run") return null;
    this.inFlight += 1;
    this.most = Math.max(this.most, this.inFlight);
    return () => void (this.inFlight -= 1);
  };
}

test("a pool whose limit is far beyond the class leaves room for the app, whose own calls are never refused", async () => {
  const transactions = new Transactions();
  const simulation = await Simulation.open({
    deploymentClass: "S16",
    slowMs: (name) => (name.includes("transaction:run") ? TRANSACTION_MS : 0),
    onCall: transactions.observer,
  });
  const actions = { inFlight: 0, most: 0 };
  const isAction = (key: string) => key.startsWith("act");
  simulation.handlers.onBegin = ({ key }) => {
    if (!isAction(key)) return;
    actions.inFlight += 1;
    actions.most = Math.max(actions.most, actions.inFlight);
  };
  simulation.handlers.onEnd = ({ key }) => {
    if (isAction(key)) actions.inFlight -= 1;
  };
  await simulation.setLimit(500);
  const acts = keys(300, "act");
  const mutations = keys(400, "mutation");
  // First both kinds in turn, then one kind after the other.
  const mixed = acts
    .slice(0, 100)
    .flatMap((key, n) => [act(key, { ms: 1_000 }), mutate(mutations[n]!)]);
  await simulation.enqueue(...mixed);
  await simulation.enqueue(
    ...mutations.slice(100).map((key) => mutate(key)),
    ...acts.slice(100).map((key) => act(key, { ms: 1_000 })),
  );

  const own = { waits: [] as number[], refused: 0 };
  for (let call = 0; call < OWN_CALLS; call++) {
    const since = simulation.now();
    const note = () => void own.waits.push(simulation.now() - since);
    const refused = () => void (own.refused += 1);
    void simulation
      .request("mutation", "put", { key: `own${call}` })
      .then(note, refused);
    // An action that does nothing.
    void simulation
      .request("action", "enqueueFromAction", { works: [] })
      .then(note, refused);
    await simulation.pass(OWN_EVERY_MS);
  }
  await simulation.drain();

  expect(own.refused).toBe(0);
  expect(own.waits).toHaveLength(2 * OWN_CALLS);
  expect(Math.max(...own.waits)).toBeLessThan(1_000);
  expect(simulation.log.join("\n")).not.toContain("halved");
  expect(actions.most).toBe(ROOM.actions);
  expect(transactions.most).toBeGreaterThan(ROOM.transactions / 2);
  expect(transactions.most).toBeLessThanOrEqual(ROOM.transactions);
  const names = [...acts, ...mutations];
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expect(countByKey(simulation.rows("attempts"))).toEqual(all(acts, 1));
  expect(countByKey(simulation.rows("effects"))).toEqual(
    all([...mutations, ...keys(OWN_CALLS, "own")], 1),
  );
  expectAtRest(simulation);
});

test("two pools that together want more than there is halve, each for itself, and recover", async () => {
  const simulation = await Simulation.open({ deploymentClass: "S16" });
  const pools = ["workpool", "second"] as const;
  const names = Object.fromEntries(
    pools.map((pool) => [pool, keys(100, pool)]),
  );
  for (const pool of pools) {
    await simulation.mutation("setLimit", { pool, maxParallelism: 60 });
    await simulation.mutation("enqueue", {
      pool,
      works: names[pool]!.map((key) =>
        act(key, { ms: 12_000 }, { retry: false }),
      ),
    });
  }
  const halvedIn = async (pool: string) => {
    const { executors, facts } = await simulation.query("health", { pool });
    const halved = executors.flatMap((each: any) => each.halved?.action ?? []);
    expect(facts.some((fact: string) => /refused/.test(fact))).toBe(
      halved.length > 0,
    );
    return halved.length;
  };
  const sees = new Set<string>();
  for (let seconds = 0; seconds < 30; seconds++) {
    await simulation.pass(1_000);
    for (const pool of pools) if ((await halvedIn(pool)) > 0) sees.add(pool);
  }
  expect([...sees].sort()).toEqual(["second", "workpool"]);
  const log = simulation.log.join("\n");
  expect(log).toContain('"event":"halved"');
  expect(log).toContain("was not started");

  // The second pool has less to do from now on than there is room for.
  await simulation.mutation("setLimit", { pool: "second", maxParallelism: 4 });
  await simulation.mutation("enqueue", {
    works: keys(200, "later").map((key) => act(key, { ms: 12_000 })),
  });
  await simulation.pass(3 * 60_000);
  expect(await halvedIn("workpool")).toBe(0);
  expect(simulation.log.join("\n")).toContain('"event":"halvingOver"');

  await simulation.drain();
  const everything = [...Object.values(names).flat(), ...keys(200, "later")];
  expect(outcomes(simulation)).toEqual(all(everything, "success"));
  expect(countByKey(simulation.rows("attempts"))).toEqual(all(everything, 1));
  for (const pool of pools) {
    expect(await halvedIn(pool)).toBe(0);
    expectAtRest(simulation, pool);
  }
});
