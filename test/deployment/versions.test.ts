/**
 * A deployment may go from one version of the component to the next, and back
 * again, with works in every state. `WRITE_VERSION=1 npm test -- versions` writes
 * down what the present version leaves; do so when it is released.
 */
import { describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { becomeBusy, EFFECTS, LIMIT, OUTCOMES } from "./busy.js";
import {
  countByKey,
  expectAtRest,
  outcomes,
  WORKING_TABLES,
} from "./invariants.js";
import { pushedApp, Simulation } from "./simulation.js";
import { readVersion, storedVersions, writeVersion } from "./versions.js";

/** Rows of works that have tags, or say how far they are: none of these does. */
const OF_FEW = ["tag", "progress"];

/** As many executors as there may be have something, and more waits. */
function expectBusy(simulation: Simulation): void {
  const empty = [...WORKING_TABLES, "complete"].filter(
    (table) =>
      !OF_FEW.includes(table) &&
      simulation.rows(table, "workpool").length === 0,
  );
  expect(empty, "tables without rows").toEqual([]);
  const work = simulation.rows("work", "workpool");
  expect(work.some(({ canceled }) => canceled)).toBe(true);
  expect(work.some(({ attempts }) => attempts === 1)).toBe(true);
}

async function expectEverythingEnds(simulation: Simulation): Promise<void> {
  await simulation.drain();
  const { "callback owed": callback, ...others } = OUTCOMES;
  expect(callback).toBe("success");
  expect(outcomes(simulation)).toEqual(others);
  expect(countByKey(simulation.rows("effects"))).toEqual(EFFECTS);
  const kept = simulation.rows("complete", "workpool");
  expect(kept).toHaveLength(4);
  expect(kept.filter(({ callback }) => callback)).toMatchObject([
    { callback: { state: "failed" } },
  ]);
  expect(simulation.rows("config", "workpool")).toMatchObject([
    { override: { maxParallelism: LIMIT } },
  ]);
  expect(simulation.handlers.most).toBeLessThanOrEqual(LIMIT);
  expectAtRest(simulation);
}

const isWriting = process.env.WRITE_VERSION !== undefined;

test.runIf(isWriting)("what the present version leaves", async () => {
  const simulation = await Simulation.open();
  await becomeBusy(simulation);
  expectBusy(simulation);
  const { version } = packageJson;
  writeVersion(version, { app: pushedApp(), world: simulation.store() });
});

test("the present version has been written down", () => {
  expect(storedVersions()).toContain(packageJson.version);
});

describe.skipIf(isWriting).each(storedVersions())("version %s", (version) => {
  const stored = readVersion(version);

  test("left a busy pool, and ends what it left", async () => {
    const { app, world } = stored;
    const simulation = await Simulation.open({ app, stored: world });
    expectBusy(simulation);
    await expectEverythingEnds(simulation);
  });

  test("left what the present code ends", async () => {
    const { app, world } = stored;
    const simulation = await Simulation.open({ app, stored: world });
    await simulation.deploy(pushedApp());
    await expectEverythingEnds(simulation);
  });

  test("is replaced while executors run, and comes back", async () => {
    const { app, world } = stored;
    const simulation = await Simulation.open({ app, stored: world });
    // Until what the stop had interrupted is running again.
    await simulation.pass(20_000);
    await simulation.deploy(pushedApp());
    await simulation.pass(1_000);
    await simulation.deploy(app);
    await expectEverythingEnds(simulation);
  });

  const isOlder = version !== packageJson.version;
  // Its schema refuses fields that came since. Nothing of it was released.
  test.skipIf(isOlder)("ends what the present code left", async () => {
    const present = await Simulation.open();
    await becomeBusy(present);
    const simulation = await Simulation.open({ stored: present.store() });
    await simulation.deploy(stored.app);
    await expectEverythingEnds(simulation);
  });
});
