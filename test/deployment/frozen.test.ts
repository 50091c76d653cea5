/** Handlers that beat and then hang, in a real executor. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pushedApp } from "../../sim/push.js";
import { expectAtRest } from "./invariants.js";
import { Simulation } from "./simulation.js";

const APP = fileURLToPath(new URL("identityApp", import.meta.url));

test.each(["hold", "release"])(
  "a handler that says nothing any more is replaced by another attempt (%s), and its slot counted until it ends",
  async (onTimeout) => {
    const simulation = await Simulation.open({ app: await pushedApp(APP) });
    const retry = { maxAttempts: 2, initialBackoffMs: 10, base: 1 };
    const heartbeatTimeoutMs = 10_000;
    const id = await simulation.mutation("enqueueAttached", {
      fn: "hangs",
      args: { key: "a", ms: 120_000 },
      options: { retry, heartbeatTimeoutMs, onTimeout, statusTtl: 3_600_000 },
    });
    const get = () => simulation.query("get", { id });
    await simulation.pass(9_500);
    expect(await get()).toMatchObject({ state: "running", attempts: 0 });
    await simulation.pass(18_000);
    const info = await get();
    expect(info).toMatchObject({
      state: "finished",
      attempts: 2,
      history: [{ reason: "timedOut" }],
      result: { kind: "success", returnValue: "at the second" },
    });
    expect(simulation.handlers.inFlight).toBe(1);
    await simulation.drain();
    expect((await get()).result).toEqual(info.result);
    expect(simulation.handlers.begun).toHaveLength(2);
    expect(simulation.rows("progress", "workpool")).toEqual([]);
    expectAtRest(simulation);
  },
);

test("its work is left alone where everything goes down after that", async () => {
  const simulation = await Simulation.open({ app: await pushedApp(APP) });
  const retry = { maxAttempts: 2, initialBackoffMs: 90_000, base: 1 };
  const id = await simulation.mutation("enqueueAttached", {
    fn: "hangs",
    args: { key: "a", ms: 300_000 },
    options: { retry, heartbeatTimeoutMs: 10_000, statusTtl: 3_600_000 },
  });
  await simulation.pass(28_000);
  expect(await simulation.query("get", { id })).toMatchObject({ attempts: 1 });
  await simulation.crash();
  await simulation.drain();
  expect(await simulation.query("get", { id })).toMatchObject({
    attempts: 2,
    history: [{ reason: "timedOut" }],
    result: { kind: "success" },
  });
  expectAtRest(simulation);
});
