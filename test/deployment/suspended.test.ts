/** Works that wait to be ended from outside, in a real executor. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pushedApp } from "../../sim/push.js";
import { expectAtRest } from "./invariants.js";
import { Simulation } from "./simulation.js";

const APP = fileURLToPath(new URL("identityApp", import.meta.url));
const HOUR = 3_600_000;

async function suspended(ms: number, timeoutMs: number) {
  const simulation = await Simulation.open({ app: await pushedApp(APP) });
  const id: string = await simulation.mutation("enqueueAttached", {
    fn: "suspends",
    args: { key: "a", ms, timeoutMs },
    options: { statusTtl: 10 * HOUR },
  });
  return {
    simulation,
    get: () => simulation.query("get", { id }),
    complete: (result: unknown) =>
      simulation.mutation("complete", { id, result }),
  };
}

test("a suspended work takes no worker, also where everything goes down, and is completed from outside", async () => {
  const { simulation, get, complete } = await suspended(500, 2 * HOUR);
  await simulation.pass(20_000);
  expect((await get()).state).toBe("suspended");
  expect(simulation.handlers.inFlight).toBe(0);
  expect(simulation.rows("executorStats", "workpool")).toEqual([]);
  await simulation.crash();
  await simulation.pass(60_000);
  expect(await complete("from outside")).toBe("completed");
  expect(await complete("again")).toBe("ended");
  await simulation.drain();
  expect((await get()).result).toEqual({
    kind: "success",
    returnValue: "from outside",
  });
  expect(simulation.handlers.begun).toHaveLength(1);
  expectAtRest(simulation);
});

test("one that is completed before its handler has ended keeps that outcome", async () => {
  const { simulation, get, complete } = await suspended(10_000, HOUR);
  await simulation.pass(3_000);
  expect(await complete("early")).toBe("completed");
  const outcome = { kind: "success", returnValue: "early" };
  expect((await get()).result).toEqual(outcome);
  expect(simulation.handlers.inFlight).toBe(1);
  await simulation.drain();
  expect((await get()).result).toEqual(outcome);
  expectAtRest(simulation);
});

test("one that nobody ends fails when its time is over, without another attempt", async () => {
  const { simulation, get } = await suspended(500, 120_000);
  await simulation.pass(115_000);
  expect((await get()).state).toBe("suspended");
  await simulation.pass(20_000);
  expect(await get()).toMatchObject({
    state: "finished",
    reason: "timedOut",
    attempts: 1,
  });
  await simulation.drain();
  expect(simulation.handlers.begun).toHaveLength(1);
  expect(simulation.rows("pendingStart", "workpool")).toEqual([]);
});
