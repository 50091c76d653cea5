/** What was consumed leaves tombstones for minutes. A turn of the loop does not pass them again and again. */
import { expect, test } from "vitest";
import type { Work } from "../../sim/app/convex/works.js";
import { mutate } from "../../sim/works.js";
import { expectAtRest } from "./invariants.js";
import { Simulation } from "./simulation.js";

const SECOND = 1_000;
const MINUTES = 6;

/** Tombstones that a tick passes, minute by minute, while a work is enqueued every second. */
async function perTick(work: (key: string) => Work): Promise<number[]> {
  const simulation = await Simulation.open();
  const passed: number[] = [];
  for (let minute = 0; minute < MINUTES; minute++) {
    simulation.resetStats();
    for (let second = 0; second < 60; second++) {
      await simulation.enqueue(work(`w${minute}-${second}`));
      await simulation.pass(SECOND);
    }
    const ticks = simulation.stats()["workpool|loop/tick:tick"]!;
    passed.push(ticks.tombstonesScanned / ticks.calls);
  }
  await simulation.drain();
  expect(simulation.rows("outcomes")).toHaveLength(MINUTES * 60);
  expectAtRest(simulation);
  return passed;
}

/**
 * Rows that every tick writes have as many superseded versions, which count too. So each
 * load is measured beside one that causes the same ticks and nothing else.
 */
async function expectNoMore(
  load: (key: string) => Work,
  beside: (key: string) => Work,
): Promise<void> {
  const [loaded, plain] = [await perTick(load), await perTick(beside)];
  const extra = loaded.map((each, minute) => each - plain[minute]!);
  // What may still arrive late is looked for among the tombstones of two minutes.
  expect(Math.max(...extra)).toBeLessThan(150);
}

test("outcomes that are kept for a second", () =>
  expectNoMore(
    (key) => mutate(key, {}, { statusTtl: SECOND }),
    (key) => mutate(key),
  ));
