import { expect, test } from "vitest";
import { SeededRandomness } from "../../embedded/src/clock.js";
import type { Work } from "../../sim/app/convex/works.js";
import { calls, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";
import { act, mutate, read } from "../../sim/works.js";

const HOUR = 60 * 60_000;

/** Some work, and what shall become of it. */
function anyWork(
  key: string,
  random: () => number,
): { work: Work; outcome: string; attempts: number; effects: number } {
  const options = random() < 0.3 ? { runAfter: random() * 4_000 } : {};
  const kind = random();
  if (kind < 0.25) {
    const fail = random() < 0.2;
    return {
      work: mutate(key, { fail }, options),
      outcome: fail ? "failed" : "success",
      attempts: 0,
      effects: fail ? 0 : 1,
    };
  }
  if (kind < 0.4) {
    const work = read(key, options);
    return { work, outcome: "success", attempts: 0, effects: 0 };
  }
  const ms = 100 + random() * 900;
  const failures = random() < 0.3 ? Math.ceil(random() * 4) : 0;
  const hopeless = random() < 0.05;
  const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
  const ends = hopeless || failures >= 3;
  return {
    work: act(key, { ms, failures, hopeless }, { ...options, retry }),
    outcome: ends ? "failed" : "success",
    attempts: hopeless ? 1 : Math.min(failures + 1, 3),
    effects: 0,
  };
}

test("500 works of all kinds: each ends once, within the limit, and leaves nothing behind", async () => {
  const simulation = await Simulation.open({ seed: 1 });
  const random = new SeededRandomness(2);
  const expected = Array.from({ length: 500 }, (_, index) =>
    anyWork(`w${index}`, () => random.next()),
  );
  const works = expected.map(({ work }) => work);
  // In transactions of 20, one every 50 ms.
  for (let i = 0; i < works.length; i += 20) {
    await simulation.enqueue(...works.slice(i, i + 20));
    await simulation.pass(50);
  }
  await simulation.drain();

  const by = (field: "outcome" | "attempts" | "effects") =>
    Object.fromEntries(
      expected
        .map((each) => [each.work.args.key, each[field]])
        .filter(([, value]) => value !== 0),
    );
  expect(outcomes(simulation)).toEqual(by("outcome"));
  expect(countByKey(simulation.rows("attempts"))).toEqual(by("attempts"));
  expect(countByKey(simulation.rows("effects"))).toEqual(by("effects"));
  expect(simulation.handlers.most).toBe(20);
  expectAtRest(simulation);

  const before = calls(simulation);
  await simulation.pass(HOUR);
  expect(calls(simulation)).toEqual(before);
});
