/** Actions of Node live ten minutes, whatever the age of the executor that calls them. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pushedApp } from "../../sim/push.js";
import { keys } from "../../sim/works.js";
import { all, countByKey, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";

const MINUTE = 60_000;
const APP = fileURLToPath(new URL("nodeApp", import.meta.url));

test("works of nine minutes in Node, for more than two hours: none fails", async () => {
  const simulation = await Simulation.open({ app: await pushedApp(APP) });
  // The others come when their executors have had more or less of their lives.
  const names = keys(140);
  const ms = 9 * MINUTE;
  await simulation.mutation("enqueue", { keys: names, ms });
  const later = keys(20, "later");
  for (const key of later) {
    await simulation.pass(6.5 * MINUTE);
    await simulation.mutation("enqueue", { keys: [key], ms });
  }
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all([...names, ...later], "success"));
  expect(countByKey(simulation.handlers.begun as any)).toEqual(
    all([...names, ...later], 1),
  );
  expect(simulation.handlers.most).toBeLessThanOrEqual(20);
});
