/** No work dies of the age of the executor that it happens to run in. */
import { expect, test } from "vitest";
import type { Work } from "../../sim/app/convex/works.js";
import { act } from "../../sim/works.js";
import { all, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";

const MINUTE = 60_000;
const LIMIT = 20;
/** Enough for more than two hours at this limit. */
const COUNT = 180;

/** What they take, and what they declare to take at most. */
type Kind = { minutes: number; declared?: number };
const LONG: Kind[] = [
  { minutes: 25, declared: 25.5 },
  { minutes: 25, declared: 27 },
  { minutes: 25, declared: 26 },
];
const UNDECLARED: Kind[] = [{ minutes: 6 }, { minutes: 9.5 }];
const BETWEEN: Kind = { minutes: 14, declared: 15 };

function work(key: string, { minutes, declared }: Kind): Work {
  const ms = minutes * MINUTE;
  return act(
    key,
    { ms },
    declared === undefined ? {} : { timeoutMs: declared * MINUTE },
  );
}

/** Several times as many as there are slots, and others that find executors of every age. */
async function history(kinds: readonly Kind[]): Promise<void> {
  const simulation = await Simulation.open();
  await simulation.setLimit(LIMIT);
  const kindOf = (index: number) => kinds[index % kinds.length]!;
  const works = Array.from({ length: COUNT }, (_, index) =>
    work(`w${index}`, kindOf(index)),
  );
  const start = simulation.now();
  await simulation.enqueueTogether(...works);
  for (let index = 0; index < 17; index++) {
    await simulation.pass(7 * MINUTE);
    const later = work(`later${index}`, kindOf(index));
    works.push(later);
    await simulation.enqueue(later);
  }
  await simulation.drain();
  const names = works.map(({ args }) => args.key as string);
  expect(simulation.now() - start).toBeGreaterThan(120 * MINUTE);
  expect(outcomes(simulation)).toEqual(all(names, "success"));
  expect(countByKey(simulation.rows("attempts"))).toEqual(all(names, 1));
  expect(simulation.handlers.most).toBeLessThanOrEqual(LIMIT);
  expectAtRest(simulation);
}

test("works of 25 minutes that say so beside works of 6 and 9.5 that say nothing: none fails, and none runs twice", () =>
  history([...LONG, ...UNDECLARED, ...UNDECLARED]));

test("works that declare 15 minutes among them", () =>
  history([...LONG, ...UNDECLARED, BETWEEN]));

test.each([1, 2, 3, 4])(
  "one work that its executor is too old for runs elsewhere (seed %i)",
  async (seed) => {
    const simulation = await Simulation.open({ seed });
    await simulation.setLimit(2);
    const works = [
      act("long", { ms: 1_000 }, { timeoutMs: 25 * MINUTE }),
      ...["a", "b", "c", "d"].map((key) => act(key, { ms: 7.6 * MINUTE })),
      act("given back", { ms: 1_000 }, { timeoutMs: 15 * MINUTE }),
    ];
    await simulation.enqueueTogether(...works);
    await simulation.drain();
    const names = works.map(({ args }) => args.key as string);
    expect(outcomes(simulation)).toEqual(all(names, "success"));
    expectAtRest(simulation);
  },
);
