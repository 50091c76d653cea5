/** Older platforms: what the pool can do without, it does without; where it cannot, it says so and leaves nothing. */
import { describe, expect, test } from "vitest";
import { withOlderPackage } from "../../embedded/src/olderPackage.js";
import { act, keys, mutate, read } from "../../sim/works.js";
import { all, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { pushedApp, Simulation } from "./simulation.js";

const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
const names = keys(45);
const works = names.map((key, index) =>
  index % 3 === 0
    ? mutate(key)
    : index % 3 === 1
      ? read(key)
      : act(key, { ms: 30, failures: index % 2 }, { retry }),
);

async function expectEverythingWorks(simulation: Simulation): Promise<void> {
  for (const work of works.slice(0, 5)) {
    await simulation.enqueue(work);
    await simulation.pass(200);
  }
  await simulation.enqueueTogether(...works.slice(5));
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expect(countByKey(simulation.rows("effects"))).toEqual(
    all(
      names.filter((_, index) => index % 3 === 0),
      1,
    ),
  );
  expectAtRest(simulation);
}

const known = (simulation: Simulation) =>
  simulation.rows("config", "workpool")[0]?.lacks;

test("a platform that can do everything is looked at once, and nothing is logged", async () => {
  const simulation = await Simulation.open();
  await expectEverythingWorks(simulation);
  expect(known(simulation)).toEqual([]);
  expect(simulation.stats()["workpool|platform:lacking"]).toMatchObject({
    subTransactions: 1,
  });
  expect(simulation.log.filter((line) => line.includes("lacking"))).toEqual([]);
});

describe("a backend that lacks", () => {
  test.each([
    ["getSnapshotTs", ["snapshotTs"]],
    ["transactionLimits", ["transactionLimits"]],
    ["getTransactionMetrics", ["transactionMetrics", "transactionLimits"]],
    ["getDeploymentMetadata", ["deploymentClass"]],
  ] as const)(
    "%s runs everything, and health tells what is lacking",
    async (ability, lacks) => {
      const simulation = await Simulation.open({ lacks: [ability] });
      await expectEverythingWorks(simulation);
      expect([...known(simulation)].sort()).toEqual([...lacks].sort());
      expect(await simulation.query("health")).toMatchObject({
        healthy: true,
        lacks: expect.arrayContaining([...lacks]),
      });
      const told = simulation.log.filter((line) => line.includes("lacking"));
      expect(told).toHaveLength(1);
    },
  );

  test.each(["commitTs", "useStaleSnapshot"] as const)(
    "%s is refused at the first enqueue with what is needed, and nothing is written",
    async (ability) => {
      const simulation = await Simulation.open({ lacks: [ability] });
      await expect(simulation.enqueue(act("a"))).rejects.toThrow(
        /convex 1\.43 or later.*This one answers: .*(commitTs|snapshotQuery)/,
      );
      for (const table of ["work", "pendingStart", "config", "runStatus"]) {
        expect(simulation.rows(table, "workpool")).toEqual([]);
      }
    },
  );
});

describe("the package convex", () => {
  test.each(["getSnapshotTs", "getTransactionMetrics"] as const)(
    "without %s runs everything",
    async (feature) => {
      const app = withOlderPackage(pushedApp(), [feature]);
      await expectEverythingWorks(await Simulation.open({ app }));
    },
  );

  test("before 1.43 is refused at the first enqueue", async () => {
    const app = withOlderPackage(pushedApp(), ["vars"]);
    const simulation = await Simulation.open({ app });
    await expect(simulation.enqueue(act("a"))).rejects.toThrow(
      /convex 1\.43 or later/,
    );
    expect(simulation.rows("config", "workpool")).toEqual([]);
  });
});

test("a pool that was never used says that it is well, on any platform", async () => {
  const simulation = await Simulation.open({ lacks: ["getSnapshotTs"] });
  expect(await simulation.query("health")).toMatchObject({ healthy: true });
});
