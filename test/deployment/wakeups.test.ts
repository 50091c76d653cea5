/**
 * Short histories in which everything happens while the loop is about to park:
 * enqueues, completions, retries, cancelations, changed limits. Whatever the
 * order of their transactions, no work waits for a wake-up that never comes.
 */
import { expect, test } from "vitest";
import { SeededRandomness } from "../../embedded/src/clock.js";
import type { Work } from "../../sim/app/convex/works.js";
import { expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";
import {
  cancelJobs,
  COMPONENT,
  executors,
  failJobs,
  ticks,
} from "../../sim/jobs.js";
import { act, keys, mutate, read } from "../../sim/works.js";

/**
 * Long enough for everything in a history, retries included; too short for the
 * watchdog, which comes after twelve seconds and would hide what was lost.
 */
const PROMPTLY_MS = 6_000;

const HISTORIES_EACH = 20;

/** Keeps the loop scheduled for a time when everything else shall be over. */
const FAR = { runAfter: 20_000 };

type Random = (below: number) => number;

/** A mutation may lose every race, most of all one that takes long; then nothing of it happened. */
const LOST_RACES = /changed while this mutation/;

function anyWork(key: string, random: Random): Work {
  const options = random(3) === 0 ? { runAfter: random(400) } : {};
  switch (random(4)) {
    case 0:
      return mutate(key, {}, options);
    case 1:
      return read(key, options);
    default: {
      const retry = { maxAttempts: 2, initialBackoffMs: random(200), base: 1 };
      const failures = random(3) === 0 ? 1 : 0;
      return act(key, { ms: random(120), failures }, { ...options, retry });
    }
  }
}

/** One client's doings; several run at the same time. */
async function client(
  simulation: Simulation,
  random: Random,
  name: string,
): Promise<string[]> {
  const keys: string[] = [];
  const ids: string[] = [];
  for (let step = 0; step < 2; step++) {
    await simulation.later(random(500));
    const works = Array.from({ length: 1 + random(2) }, (_, index) =>
      anyWork(`${name}.${step}.${index}`, random),
    );
    // Some commit long after the times they were given, others meanwhile.
    const dawdle = random(3) === 0 ? 12 : 0;
    try {
      ids.push(
        ...(await simulation.request("mutation", "enqueue", { works, dawdle })),
      );
    } catch (error) {
      if (dawdle === 0 || !LOST_RACES.test(`${error}`)) throw error;
      continue;
    }
    keys.push(...works.map(({ args }) => args.key as string));
    if (random(4) === 0) {
      await simulation.later(random(300));
      const id = ids[random(ids.length)];
      // The limit may change again and again meanwhile.
      await simulation
        .request("mutation", "cancel", { id })
        .catch((error: Error) => {
          if (!LOST_RACES.test(error.message)) throw error;
        });
    }
    if (random(4) === 0) {
      await simulation.later(random(300));
      for (const maxParallelism of [random(2), 1 + random(3)]) {
        await simulation.request("mutation", "setLimit", { maxParallelism });
        await simulation.later(random(100));
      }
    }
  }
  return keys;
}

test.each([
  { pace: 1, jitterMs: 1, seed: 1 },
  { pace: 0, jitterMs: 1, seed: 1 },
  { pace: 0.3, jitterMs: 8, seed: 1 },
  { pace: 1, jitterMs: 10, seed: 1 },
  { pace: 1, jitterMs: 10, seed: 3 },
  { pace: 3, jitterMs: 5, seed: 1 },
])(
  "no wake-up is lost at pace $pace, jitter $jitterMs ms, seed $seed",
  async (options) => {
    const simulation = await Simulation.open(options);
    const randomness = new SeededRandomness(
      options.pace * 10 + options.jitterMs + 1_000 * (options.seed - 1),
    );
    const random: Random = (below) => Math.floor(randomness.next() * below);
    const ended = () =>
      simulation.rows("outcomes").filter(({ key }) => !key.startsWith("far"))
        .length;
    const expected = new Set<string>();

    for (let history = 0; history < HISTORIES_EACH; history++) {
      await simulation.setLimit(1 + random(3));
      if (random(2) === 0) {
        await simulation.enqueue(mutate(`far ${history}`, {}, FAR));
        await simulation.pass(100);
      }
      const clients = [0, 1].map((each) =>
        client(simulation, random, `${history}.${each}`),
      );
      const keys = (await simulation.settle(Promise.all(clients))).flat();
      for (const key of keys) expected.add(key);

      const waited = await simulation.until(
        () => ended() === expected.size,
        PROMPTLY_MS,
      );
      expect(
        waited,
        `history ${history}: ${ended()}/${expected.size}`,
      ).not.toBe(null);
      await simulation.drain();
      expectAtRest(simulation);
    }
    const { length } = simulation.rows("outcomes");
    const ends = Object.keys(outcomes(simulation));
    expect(ends).toHaveLength(length);
    expect(ends).toEqual(expect.arrayContaining([...expected]));
  },
);

test("a mutation that enqueues works one by one wakes an idle loop once", async () => {
  const simulation = await Simulation.open();
  await simulation.enqueue(mutate("first"));
  await simulation.drain();
  const before = ticks(simulation).length;
  await simulation.enqueue(
    mutate("later", {}, { runAfter: 500 }),
    ...keys(5).map((key) => mutate(key)),
  );
  const woken = ticks(simulation).slice(before);
  expect(woken.map(({ args }) => args[0].token)).toHaveLength(2);
  const waited = await simulation.until(
    () => simulation.rows("outcomes").length === 7,
    PROMPTLY_MS,
  );
  expect(waited).not.toBe(null);
});

test("what is enqueued while the loop is taken over is seen", async () => {
  let decides = 0;
  const simulation = await Simulation.open({
    slowMs: (name) => (name === "loop/tick:tick" ? decides : 0),
  });
  await simulation.setLimit(1);
  await simulation.enqueue(...keys(3).map((key) => mutate(key)));
  const ended = () => simulation.rows("outcomes").length;
  await simulation.until(() => ended() === 3, PROMPTLY_MS);
  const status = () => simulation.rows("runStatus", COMPONENT)[0]!;
  expect(status().state.kind).toBe("running");
  // Whatever would have gone on with the loop is lost.
  const links = ticks(simulation).filter(
    ({ args }) => args[0].at === undefined,
  );
  cancelJobs(simulation, links);
  failJobs(simulation, executors(simulation), "Transient error");

  const { watch } = simulation.rows("loopState", COMPONENT)[0]!;
  await simulation.pass(watch.at - simulation.now() - 100);
  decides = 300;
  await simulation.pass(250);
  expect(status().state.kind).toBe("running");
  await simulation.enqueue(mutate("meanwhile"));
  decides = 0;
  const waited = await simulation.until(() => ended() === 4, PROMPTLY_MS);
  expect(waited).not.toBe(null);
});
