/** Batches in which a few works carry nearly everything. */
import { expect, test } from "vitest";
import { getConvexSize, type Value } from "convex/values";
import { keys } from "../../sim/works.js";
import { all, expectAtRest, failedMutations, outcomes } from "./invariants.js";
import { carry } from "./largeWorks.js";
import { type Row, Simulation } from "./simulation.js";

const LARGE = 900_000;
/** An executor is started with no more than this. */
const MOST_BYTES = 1_500_000;
const BATCHES = 10;

/** Sees with how much executors are started. */
function watchStarts(simulation: Simulation): number[] {
  const sizes: number[] = [];
  simulation.onCommit(({ writes }) => {
    for (const { namespace, table, before, after } of writes) {
      if (namespace !== "workpool" || table !== "_scheduled_functions")
        continue;
      const row = after?.value as unknown as Row | undefined;
      if (before !== null || !row?.name.startsWith("executor/run")) continue;
      sizes.push(getConvexSize(row.args as Value));
    }
  });
  return sizes;
}

/** Where the large ones are, in even batches and in odd ones. */
test.each([
  { where: "one is the first", large: [[0], [0]] },
  {
    where: "two are the first",
    large: [
      [0, 1],
      [0, 1],
    ],
  },
  { where: "one is the last, then the first", large: [[31], [0]] },
])(
  "32 works of which $where carry 900 kB: executors are started with what they can be",
  async ({ large }) => {
    const simulation = await Simulation.open();
    const starts = watchStarts(simulation);
    const names: string[] = [];
    await simulation.setLimit(0);
    for (let batch = 0; batch < BATCHES; batch++) {
      const works = keys(32, `batch${batch}-`).map((key, index) =>
        carry(key, {
          argBytes: large[batch % 2]!.includes(index) ? LARGE : 10,
          ms: 50,
        }),
      );
      names.push(...works.map(({ args }) => args.key));
      await simulation.enqueueTogether(...works);
    }
    // Four executors of 14 slots: the third one begins with the end of a batch.
    await simulation.setLimit(56);
    await simulation.drain();
    expect(outcomes(simulation)).toEqual(all(names, "success"));
    expect(starts.length).toBeGreaterThan(0);
    expect(Math.max(...starts)).toBeLessThanOrEqual(MOST_BYTES);
    expect(failedMutations(simulation)).toEqual([]);
    expectAtRest(simulation);
  },
);
