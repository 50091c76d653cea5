/** Actions that are attached to their attempts, in a real executor. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pushedApp } from "../../sim/push.js";
import { expectAtRest } from "./invariants.js";
import { Simulation } from "./simulation.js";

const APP = fileURLToPath(new URL("identityApp", import.meta.url));

async function open(): Promise<Simulation> {
  return await Simulation.open({ app: await pushedApp(APP) });
}
const enqueue = (
  simulation: Simulation,
  fn: string,
  args: Record<string, unknown>,
  options: Record<string, unknown> = {},
): Promise<string> =>
  simulation.mutation("enqueueAttached", { fn, args, options });
const get = (simulation: Simulation, id: string) =>
  simulation.query("get", { id });

/** Calls of a function of the component. */
function calls(simulation: Simulation, name: string): number {
  return Object.entries(simulation.stats())
    .filter(([each]) => each.includes(name))
    .reduce((sum, [, stats]) => sum + stats.calls, 0);
}

test("a handler says how far it is, get shows it, and with the work it is gone", async () => {
  const simulation = await open();
  const args = { key: "a", steps: 50, stepMs: 250 };
  const id = await enqueue(simulation, "steps", args, { statusTtl: 60_000 });
  const seen: number[] = [];
  for (let second = 0; second < 12; second++) {
    await simulation.pass(1_000);
    const info = await get(simulation, id);
    if (!info.progress) continue;
    const { progress, step, beatAt } = info.progress;
    expect(progress).toBeCloseTo(Number(step) / 50);
    expect(simulation.now() - beatAt).toBeLessThan(2_000);
    seen.push(progress);
  }
  expect(seen.length).toBeGreaterThan(8);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  await simulation.pass(3_000);
  const info = await get(simulation, id);
  expect(info.result).toEqual({ kind: "success", returnValue: "all steps" });
  expect(simulation.rows("progress", "workpool")).toEqual([]);
  // Twelve and a half seconds: one call a second, whatever it said.
  expect(calls(simulation, "attempts:beat")).toBeGreaterThan(8);
  expect(calls(simulation, "attempts:beat")).toBeLessThanOrEqual(14);
  expect(calls(simulation, "attempts:listen")).toBe(0);
  await simulation.drain();
  expectAtRest(simulation);
});

test("a handler of less than ten seconds that says nothing calls nothing, a longer one once in ten", async () => {
  const simulation = await open();
  await enqueue(simulation, "untilAborted", { key: "short", ms: 9_500 });
  await simulation.pass(11_000);
  expect(calls(simulation, "attempts:")).toBe(0);
  await enqueue(simulation, "untilAborted", { key: "long", ms: 65_000 });
  await simulation.drain();
  expect(calls(simulation, "attempts:listen")).toBe(6);
  expect(calls(simulation, "attempts:beat")).toBe(0);
  expectAtRest(simulation);
});

test("a handler hears within ten seconds that its work was canceled", async () => {
  const simulation = await open();
  const id = await enqueue(simulation, "untilAborted", {
    key: "a",
    ms: 300_000,
  });
  await simulation.pass(22_000);
  await simulation.mutation("cancel", { id });
  await simulation.pass(11_000);
  const [note] = simulation.rows("notes");
  expect(note).toMatchObject({ key: "a", detail: { kind: "canceled" } });
  expect(note!.detail.afterMs).toBeLessThan(32_500);
  await simulation.drain();
  expectAtRest(simulation);
});

test("one that says how far it is hears so within about a second, and is not retried", async () => {
  const simulation = await open();
  const args = { key: "a", steps: 1_000, stepMs: 200 };
  const retry = { maxAttempts: 5, initialBackoffMs: 10, base: 1 };
  const id = await enqueue(simulation, "steps", args, { retry });
  await simulation.pass(5_000);
  await simulation.mutation("cancel", { id });
  const before = simulation.now();
  await simulation.until(() => simulation.rows("notes").length > 0, 10_000);
  expect(simulation.now() - before).toBeLessThan(2_500);
  await simulation.drain();
  expect(simulation.handlers.begun).toHaveLength(1);
  expect(simulation.rows("work", "workpool")).toEqual([]);
  expectAtRest(simulation);
});

test("the signal is aborted when the time that the work declared is over", async () => {
  const simulation = await open();
  const args = { key: "a", ms: 300_000 };
  await enqueue(simulation, "untilAborted", args, { timeoutMs: 5_000 });
  await simulation.pass(7_000);
  const [note] = simulation.rows("notes");
  expect(note).toMatchObject({ detail: { kind: "timedOut" } });
  expect(note!.detail.afterMs).toBeGreaterThan(4_900);
  expect(note!.detail.afterMs).toBeLessThan(5_100);
  await simulation.drain();
  expectAtRest(simulation);
});

test("each attempt says for itself how far it is, also one after a crash", async () => {
  const simulation = await open();
  const args = { key: "a", steps: 20, stepMs: 500, failsBefore: 3 };
  const retry = { maxAttempts: 5, initialBackoffMs: 3_000, base: 1 };
  const id = await enqueue(simulation, "steps", args, { retry });
  await simulation.pass(5_000);
  expect((await get(simulation, id)).progress.progress).toBeGreaterThan(0.2);
  await simulation.crash();
  // The worker is found to be lost, and the work waits for its backoff.
  await simulation.until(
    () => simulation.rows("work", "workpool")[0]!.attempts === 1,
    60_000,
  );
  expect(await get(simulation, id)).not.toHaveProperty("progress");
  await simulation.until(() => simulation.handlers.begun.length === 2, 60_000);
  await simulation.pass(1_500);
  const { progress } = await get(simulation, id);
  expect(progress.progress).toBeLessThan(0.2);
  await simulation.drain();
  expect(simulation.handlers.begun).toHaveLength(3);
  expect(simulation.rows("progress", "workpool")).toEqual([]);
  expectAtRest(simulation);
});
