/** What people do to works afterwards, at scale: lists that read little, another round for many. */
import { expect, test } from "vitest";
import { executors, failJobs } from "../../sim/jobs.js";
import { act, keys, mutate } from "../../sim/works.js";
import {
  all,
  calls,
  countByKey,
  expectAtRest,
  failedMutations,
  outcomes,
} from "./invariants.js";
import { Simulation } from "./simulation.js";

const DAY = 24 * 60 * 60_000;
/** Of one page. */
const MAX_READ = 120;

const kept = { statusTtl: DAY };

async function ask(simulation: Simulation, method: string, ...args: unknown[]) {
  return await simulation.settle(
    simulation.begin("query", "afterwards:ask", { method, args }),
  );
}
async function tell(
  simulation: Simulation,
  method: string,
  ...args: unknown[]
): Promise<any> {
  return await simulation.settle(
    simulation.begin("mutation", "afterwards:tell", { method, args }),
  );
}

/** All pages of a list, each of which reads no more than it may. */
async function pages(simulation: Simulation, filter: object, numItems = 50) {
  const found: any[] = [];
  let cursor: string | null = null;
  for (let n = 0; n < 100; n++) {
    simulation.resetStats();
    const page = await ask(simulation, "list", {
      ...filter,
      paginationOpts: { numItems, cursor },
    });
    // What a function called is counted with it.
    const { documentsRead } = simulation.stats()["|afterwards:ask"]!;
    expect(documentsRead).toBeGreaterThanOrEqual(page.page.length);
    expect(documentsRead).toBeLessThanOrEqual(MAX_READ);
    found.push(...page.page);
    if (page.isDone) return found;
    cursor = page.continueCursor;
  }
  throw new Error("The list has no end.");
}

test("1,000 works of which 200 have failed: pages read little, and one call has all of them tried again", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(100);
  const fine = keys(800, "fine").map((key) => mutate(key, {}, kept));
  const bad = keys(200, "bad").map((key) => act(key, { failures: 1 }, kept));
  await simulation.enqueueTogether(...fine.slice(0, 400), ...bad);
  await simulation.enqueueTogether(...fine.slice(400));
  await simulation.drain();
  expect(await pages(simulation, {})).toHaveLength(1_000);
  expect(await pages(simulation, { state: "success" })).toHaveLength(800);
  const failed = await pages(simulation, { state: "failed" });
  expect(failed).toHaveLength(200);
  expect(failed[0]).toMatchObject({
    fnName: "act",
    state: "failed",
    attempts: 1,
    error: "Error: attempt 1 failed",
  });
  expect(await ask(simulation, "counts")).toMatchObject({
    states: expect.arrayContaining([
      { state: "failed", count: 100, isAtLeast: true },
    ]),
  });

  simulation.resetStats();
  const answer = await tell(simulation, "retry", { filter: {} });
  expect(answer).toEqual({ matched: 100, skipped: 0, isDone: false });
  await simulation.drain();
  const made = calls(simulation);
  expect(made["workpool|work/operation:nextPage"]).toBeLessThanOrEqual(2);
  // The handlers, what they note, and the pool: of works that were enqueued together it takes as much.
  const own = Object.entries(made)
    .filter(([name]) => name.startsWith("workpool|"))
    .reduce((sum, [, count]) => sum + count, 0);
  expect(own / 200).toBeLessThan(0.5);
  expect(outcomes(simulation)).toEqual({
    ...all(keys(800, "fine"), "success"),
    ...all(keys(200, "bad"), "failed, success"),
  });
  expect(failedMutations(simulation)).toEqual([]);
  expect(simulation.rows("operation", "workpool")).toEqual([]);
  expectAtRest(simulation);
});

test("whatever waits or runs, a page reads little, and each work is in one state", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(0);
  await simulation.enqueue(...keys(150, "one").map((key) => act(key)));
  await simulation.enqueueTogether(
    ...keys(300, "many").map((key) => act(key, { ms: 60_000 })),
  );
  await simulation.enqueue(
    ...keys(60, "later").map((key) => act(key, {}, { runAfter: DAY })),
  );
  expect(await pages(simulation, {})).toHaveLength(510);
  expect(await pages(simulation, { state: "scheduled" })).toHaveLength(60);
  expect(await pages(simulation, { state: "waiting" })).toHaveLength(450);

  await simulation.setLimit(40);
  await simulation.pass(5_000);
  const running = await pages(simulation, { state: "running" }, 10);
  const claimed = await pages(simulation, { state: "claimed" });
  expect(running.length).toBe(40);
  expect(new Set(running.map(({ workId }) => workId)).size).toBe(40);
  const { states } = await ask(simulation, "counts");
  expect(states).toEqual(
    expect.arrayContaining([
      { state: "running", count: 40, isAtLeast: false },
      { state: "claimed", count: claimed.length, isAtLeast: false },
    ]),
  );
  const shown = await pages(simulation, {});
  const shownAs = (state: string) =>
    shown.filter((work) => work.state === state).length;
  expect(shownAs("running")).toBeLessThanOrEqual(40);
  expect(shownAs("running") + shownAs("claimed")).toBe(40 + claimed.length);
});

test("a page pinned by endCursor stays whole while works come and go", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(0);
  const ids = await simulation.enqueue(...keys(20).map((key) => act(key)));
  const options = { numItems: 10, cursor: null };
  const first = await ask(simulation, "list", { paginationOpts: options });
  await simulation.enqueue(...keys(5, "new").map((key) => act(key)));
  await tell(simulation, "cancel", ids[15]);
  // Until its callback has run it is listed as canceled, before all others.
  await simulation.pass(1_000);
  const again = await ask(simulation, "list", {
    paginationOpts: { ...options, endCursor: first.continueCursor },
  });
  expect(again.page).toHaveLength(14);
  expect(again.continueCursor).toBe(first.continueCursor);
});

test("a work is abandoned: its callback is told at once, and its slot is taken until its handler ends", async () => {
  const simulation = await Simulation.open();
  await simulation.setLimit(1);
  const [id] = await simulation.enqueue(act("long", { ms: 30_000 }, kept));
  await simulation.pass(2_000);
  await simulation.enqueue(act("next"));
  expect(await tell(simulation, "cancel", id, { running: "abandon" })).toBe(
    "canceled",
  );
  await simulation.pass(10_000);
  expect(outcomes(simulation)).toEqual({ long: "canceled" });
  expect(countByKey(simulation.rows("attempts"))).toEqual({ long: 1 });
  await simulation.drain();
  expect(outcomes(simulation)).toEqual({ long: "canceled", next: "success" });
  expect(await ask(simulation, "get", id)).toMatchObject({
    result: { kind: "canceled" },
    reason: "abandoned",
  });
  expectAtRest(simulation);
});

test("an abandoned work is over for the recovery of its worker, too", async () => {
  const simulation = await Simulation.open();
  const retry = { maxAttempts: 3, initialBackoffMs: 10, base: 1 };
  const [id] = await simulation.enqueue(act("a", { ms: 60_000 }, { retry }));
  await simulation.pass(2_000);
  await tell(simulation, "cancel", id, { running: "abandon" });
  failJobs(simulation, executors(simulation), "gone");
  await simulation.drain();
  expect(outcomes(simulation)).toEqual({ a: "canceled" });
  expect(countByKey(simulation.rows("attempts"))).toEqual({ a: 1 });
  expectAtRest(simulation);
});

test("works that are tried again while their worker dies each end once in each round", async () => {
  const simulation = await Simulation.open({ seed: 5 });
  await simulation.setLimit(30);
  const names = keys(120);
  await simulation.enqueueTogether(
    ...names.map((key) => mutate(key, { fail: true }, kept)),
  );
  for (let round = 0; round < 3; round++) {
    await simulation.pass(700);
    void tell(simulation, "retry", { filter: {} });
    await simulation.pass(150);
    failJobs(simulation, executors(simulation), "gone");
  }
  await simulation.drain();
  await tell(simulation, "retry", { filter: {} });
  await simulation.drain();
  const told = countByKey(simulation.rows("outcomes"));
  const rounds = Object.fromEntries(
    simulation
      .rows("work", "workpool")
      .map(({ fnArgs, round = 0 }) => [fnArgs.key, round + 1]),
  );
  expect(told).toEqual(rounds);
  expect(failedMutations(simulation)).toEqual([]);
  for (const table of ["pendingStart", "running", "executor"]) {
    expect(simulation.rows(table, "workpool")).toEqual([]);
  }
});
