import { expect, test } from "vitest";
import { cancelJobs, jobsOf } from "../../sim/jobs.js";
import { all, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";
import { act, keys, mutate } from "../../sim/works.js";

const works = (names: string[], onComplete: string) =>
  names.map((key, index) =>
    index % 2 === 0
      ? mutate(key, {}, { onComplete })
      : act(key, { ms: index % 7 }, { onComplete }),
  );

test("300 callbacks that all write one row run once each", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(60);
  const names = keys(300);
  await simulation.enqueueTogether(...works(names, "recordAndCount"));
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expect(simulation.rows("tallies")).toMatchObject([
    { name: "callbacks", count: 300 },
  ]);
  expect(countByKey(simulation.rows("effects"))).toEqual(
    all(
      names.filter((_, index) => index % 2 === 0),
      1,
    ),
  );
  expectAtRest(simulation);
});

test("works that all write one row do so once each", async () => {
  const simulation = await Simulation.open();
  const names = keys(60);
  await simulation.enqueueTogether(
    ...names.map((key) => mutate(key, { tally: "shared" })),
  );
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expect(simulation.rows("tallies")).toMatchObject([
    { name: "shared", count: 60 },
  ]);
  expectAtRest(simulation);
});

test("callbacks that throw now and then leave one row each in the end", async () => {
  const simulation = await Simulation.open({ seed: 11 });
  const names = keys(60);
  await simulation.enqueue(...works(names, "recordSometimes"));
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expect(countByKey(simulation.rows("attempts"))).toEqual(
    all(
      names.filter((_, index) => index % 2 === 1),
      1,
    ),
  );
  expectAtRest(simulation);
});

test("a callback that always throws is given up, and its outcome is not", async () => {
  const simulation = await Simulation.open();
  const onComplete = "recordAndFail";
  const [id] = await simulation.enqueue(act("a", {}, { onComplete }));
  await simulation.pass(60_000);
  expect(await simulation.query("get", { id })).toMatchObject({
    state: "finished",
    result: { kind: "success" },
    callback: { state: "owed" },
  });
  await simulation.drain();
  expect(await simulation.query("get", { id })).toMatchObject({
    result: { kind: "success", returnValue: "attempt 1" },
    callback: {
      state: "failed",
      attempts: 13,
      lastError: expect.stringContaining("never"),
    },
  });
  expect(outcomes(simulation)).toEqual({});
  expectAtRest(simulation);
});

test("a callback whose delivery was canceled by hand is delivered all the same", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(0);
  const ids = await simulation.enqueueTogether(
    ...keys(3).map((key) => act(key)),
  );
  for (const id of ids) await simulation.mutation("cancel", { id });
  const deliveries = jobsOf(simulation, "work/callback");
  cancelJobs(simulation, deliveries);
  await simulation.drain();
  expect(deliveries).not.toEqual([]);
  expect(outcomes(simulation)).toEqual(all(keys(3), "canceled"));
});

test("callbacks that enqueue further works and cancel others", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(8);
  const doomed = keys(20, "doomed");
  const doomedIds = await simulation.enqueue(
    ...doomed.map((key) => act(key, {}, { runAfter: 60_000 })),
  );
  const parents = keys(20, "parent");
  await simulation.enqueue(
    ...parents.map((key, index) => {
      const children = keys(3, `child of ${key}, `).map((child) =>
        mutate(child),
      );
      const context = { key, works: children, cancel: [doomedIds[index]!] };
      return act(key, {}, { onComplete: "recordAndGoOn", context });
    }),
  );
  await simulation.drain();
  const children = parents.flatMap((key) => keys(3, `child of ${key}, `));
  expect(outcomes(simulation)).toEqual({
    ...all([...parents, ...children], "success"),
    ...all(doomed, "canceled"),
  });
  expect(countByKey(simulation.rows("effects"))).toEqual(all(children, 1));
  expectAtRest(simulation);
});

test("canceling everything while it runs: each work ends once, as one or the other", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(5);
  const names = keys(150);
  await simulation.enqueueTogether(
    ...names.map((key) => act(key, { ms: 200 })),
  );
  await simulation.pass(1_000);
  await simulation.mutation("cancelAll", { limit: 20 });
  await simulation.drain();
  const kinds = outcomes(simulation);
  expect(Object.keys(kinds).sort()).toEqual([...names].sort());
  const ended = Object.values(kinds);
  const begun = simulation.handlers.begun.length;
  expect(ended.filter((kind) => kind === "success")).toHaveLength(begun);
  expect(ended.filter((kind) => kind === "canceled")).toHaveLength(
    names.length - begun,
  );
  expect(begun).toBeLessThan(names.length / 2);
  expectAtRest(simulation);
});

test("kick has all owed callbacks tried at once, and each runs once, although others are just being tried", async () => {
  const simulation = await Simulation.open({ seed: 4 });
  const count = 120;
  const context = { key: "shared" };
  const onComplete = "recordWhenOpen";
  await simulation.enqueueTogether(
    ...keys(count).map((key) => mutate(key, {}, { onComplete, context })),
  );
  await simulation.pass(60_000);
  const { callbacks, problems } = await simulation.query("health");
  expect(callbacks).toMatchObject({ failing: { count: 100, isAtLeast: true } });
  expect(problems).toEqual([
    expect.stringMatching(/At least 100 .* mutate \(100, .*the gate is closed/),
  ]);
  await simulation.settle(
    simulation.begin("mutation", "attempts:openGate", { key: "shared" }),
  );
  // Several at once, and some callbacks are due by themselves meanwhile.
  for (let n = 0; n < 3; n++) void simulation.request("mutation", "kick", {});
  await simulation.pass(5_000);
  const outcomeIds = simulation.rows("outcomes").map(({ workId }) => workId);
  expect(outcomeIds).toHaveLength(count);
  expect(new Set(outcomeIds).size).toBe(count);
  expect(simulation.rows("complete", "workpool")).toEqual([]);
  expect(await simulation.query("health")).toMatchObject({ healthy: true });
  await simulation.drain();
  expect(simulation.rows("outcomes")).toHaveLength(count);
  expectAtRest(simulation);
});

test("what a callback cancels is not started by the report that runs it, and keeps no slot", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(1);
  const [canceled] = await simulation.enqueue(
    act("canceled", {}, { runAfter: 2_000 }),
  );
  const context = { key: "canceler", works: [], cancel: [canceled] };
  const onComplete = "recordAndGoOn";
  await simulation.enqueue(
    act("canceler", { ms: 10_000 }, { onComplete, context }),
  );
  await simulation.pass(3_000);
  await simulation.enqueue(act("next"));
  // Both wait for the slot of the first.
  await simulation.pass(7_000);
  expect(countByKey(simulation.rows("attempts"))).toEqual({ canceler: 1 });
  await simulation.pass(2_000);
  expect(outcomes(simulation)).toEqual({
    canceler: "success",
    canceled: "canceled",
    next: "success",
  });
  expect(countByKey(simulation.rows("attempts"))).toEqual({
    canceler: 1,
    next: 1,
  });
  await simulation.drain();
  expectAtRest(simulation);
});
