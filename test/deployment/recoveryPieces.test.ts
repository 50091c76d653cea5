/** A piece of a recovery that cannot succeed is tried smaller; the pool goes on meanwhile. */
import { getConvexSize, type Value } from "convex/values";
import { expect, test } from "vitest";
import { COMPONENT, failJobs, jobsOf } from "../../sim/jobs.js";
import { act, keys } from "../../sim/works.js";
import { all, expectAtRest, outcomes } from "./invariants.js";
import { SYSTEM_ERROR } from "./processes.js";
import { type Row, Simulation } from "./simulation.js";

const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
const LIMIT = 60;
const OLD = keys(LIMIT);
/** What is left of a document when a field `padding` and a few bytes more are in it. */
const ROOM = 1_048_576 - 40;
/** Waits behind what the lost executors had. */
const WAITING = keys(10, "waiting");

/** The limit is reached as all executors die. */
async function withLostExecutors(): Promise<Simulation> {
  const simulation = await Simulation.open();
  await simulation.setLimit(0);
  await simulation.enqueueTogether(
    ...OLD.map((key) => act(key, { ms: 60_000 }, { retry })),
    ...WAITING.map((key) => act(key)),
  );
  await simulation.setLimit(LIMIT);
  await simulation.pass(5_000);
  expect(simulation.handlers.inFlight).toBe(LIMIT);
  simulation.processes.killAll(SYSTEM_ERROR);
  return simulation;
}

const pieces = (simulation: Simulation) => jobsOf(simulation, "loop/recover");
const sizeOf = (row: Row): number => getConvexSize(row as Value);
const worksOf = ({ args }: Row): number => args[0].works;

/** The platform fails each piece before it runs, as long as `fails` says so; returns how many works each had. */
async function failPieces(
  simulation: Simulation,
  fails: (piece: Row, failed: number) => boolean,
): Promise<number[]> {
  const failed: number[] = [];
  for (;;) {
    const found = await simulation.until(
      () => pieces(simulation).length > 0,
      30_000,
    );
    const [piece] = pieces(simulation);
    if (found === null || !piece || !fails(piece, failed.length)) return failed;
    failed.push(worksOf(piece));
    failJobs(simulation, [piece], "Too many bytes read");
  }
}

test("pieces that fail are halved; once they succeed, everything goes on", async () => {
  const simulation = await withLostExecutors();
  const failed = await failPieces(simulation, (_, count) => count < 5);
  expect(failed).toHaveLength(5);
  failed.reduce((before, works) => {
    expect(works).toBe(Math.floor(before / 2));
    return works;
  });
  await simulation.drain();
  expect(outcomes(simulation)).toEqual(all([...OLD, ...WAITING], "success"));
  expectAtRest(simulation);
});

test("works that can never be recovered end with an error that says so, and others run", async () => {
  const simulation = await withLostExecutors();
  await failPieces(simulation, ({ args }) => args[0].giveUp === undefined);
  await simulation.drain();
  const ended = outcomes(simulation);
  expect(ended).toMatchObject(all(WAITING, "success"));
  expect(Object.keys(ended)).toHaveLength(OLD.length + WAITING.length);
  const lost = simulation
    .rows("outcomes")
    .filter(({ result }) => result.kind === "failed");
  expect(lost.length).toBeGreaterThan(0);
  for (const { result } of lost) {
    expect(result.error).toContain("could not be recovered");
  }
  expectAtRest(simulation);
});

test("one work whose rows make its recovery fail ends alone", async () => {
  const simulation = await withLostExecutors();
  // As large as a document may be: the work can be deleted, but nothing can be noted in it.
  const [broken] = simulation
    .rows("work", COMPONENT)
    .filter(({ fnArgs }) => fnArgs.key === OLD[7]);
  simulation.intervene((transaction) =>
    transaction.patch(COMPONENT, broken!._id, {
      fnArgs: {
        ...broken!.fnArgs,
        padding: "p".repeat(ROOM - sizeOf(broken!)),
      },
    }),
  );
  const others = [...OLD.filter((key) => key !== OLD[7]), ...WAITING];
  const late = await simulation.until(
    () => simulation.rows("outcomes").length >= WAITING.length,
    5 * 60_000,
  );
  expect(late).not.toBeNull();
  await simulation.drain();
  expect(outcomes(simulation)).toEqual({
    ...all(others, "success"),
    [OLD[7]!]: "failed",
  });
  expectAtRest(simulation);
});
