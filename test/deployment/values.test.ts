import { describe, expect, test } from "vitest";
import type { Work } from "../../sim/app/convex/works.js";
import { all, countByKey, expectAtRest } from "./invariants.js";
import { Simulation } from "./simulation.js";
import { keys, mutate } from "../../sim/works.js";

function inflate(
  key: string,
  sizes: { argument: number; result: number; context: number },
  fn: Pick<Work, "fn" | "fnType">,
): Work {
  return {
    ...fn,
    args: {
      key,
      padding: "a".repeat(sizes.argument),
      resultBytes: sizes.result,
    },
    onComplete: "recordSize",
    context: { key, padding: "c".repeat(sizes.context) },
  };
}

const ACTION = { fnType: "action", fn: "inflate" } as const;
const MUTATION = { fnType: "mutation", fn: "inflateInTransaction" } as const;

describe("large values", () => {
  test.each(["S16", "S256"] as const)(
    "50 works with 800 kB of arguments and of results, on %s",
    async (deploymentClass) => {
      const simulation = await Simulation.open({ deploymentClass });
      const names = keys(50);
      for (const [index, key] of names.entries()) {
        const sizes = { argument: 800_000, result: 800_000, context: 10 };
        const fn = index % 5 === 0 ? MUTATION : ACTION;
        await simulation.enqueue(inflate(key, sizes, fn));
      }
      await simulation.drain();
      const sizes = simulation
        .rows("outcomes")
        .map(({ result }) => result.size);
      expect(sizes).toEqual(Array(50).fill(800_000));
      expect(countByKey(simulation.rows("outcomes"))).toEqual(all(names, 1));
      expectAtRest(simulation);
    },
  );

  test("a result of 1,000,001 bytes fails its work, says so, and undoes a mutation", async () => {
    const simulation = await Simulation.open();
    // What getConvexSize adds to the characters of a string.
    const most = 1_000_000 - 2;
    // Arguments and context together would not fit into one document.
    const large = 999_000;
    const sizes = (result: number) => ({
      argument: large,
      result,
      context: large,
    });
    await simulation.enqueue(
      inflate("action fits", sizes(most), ACTION),
      inflate("action", sizes(most + 1), ACTION),
      inflate("mutation fits", sizes(most), MUTATION),
      inflate("mutation", sizes(most + 1), MUTATION),
      mutate("neighbour"),
    );
    await simulation.drain();
    const results = Object.fromEntries(
      simulation.rows("outcomes").map(({ key, result }) => [key, result]),
    );
    expect(results["action fits"].size).toBe(most);
    expect(results["mutation fits"].size).toBe(most);
    expect(results.neighbour.kind).toBe("success");
    for (const key of ["action", "mutation"]) {
      expect(results[key].size).toMatchObject({
        kind: "failed",
        error: expect.stringContaining(
          "is too large: 1000001 bytes (limit: 1000000 bytes)",
        ),
      });
    }
    expect(countByKey(simulation.rows("effects"))).toEqual({
      "mutation fits": 1,
      neighbour: 1,
    });
    expectAtRest(simulation);
  });

  test("arguments and contexts beyond the limit are refused, and nothing is written", async () => {
    const simulation = await Simulation.open();
    for (const sizes of [
      { argument: 1_000_001, result: 1, context: 1 },
      { argument: 1, result: 1, context: 1_000_001 },
    ]) {
      await expect(
        simulation.enqueue(inflate("a", sizes, ACTION)),
      ).rejects.toThrow(
        /inflate.*may have at most 1000000 bytes, not 10000\d\d/s,
      );
    }
    for (const table of ["work", "payload", "pendingStart", "config"]) {
      expect(simulation.rows(table, "workpool")).toEqual([]);
    }
  });
});

test("a batch of 5,000 on the smallest class: every work runs exactly once", async () => {
  const simulation = await Simulation.open({ deploymentClass: "S16" });
  await simulation.setLimit(100);
  const names = keys(5_000);
  const ids = await simulation.mutation("enqueueBatch", {
    fn: "nothing",
    argsArray: names.map((key) => ({ key })),
    onComplete: null,
  });
  expect(new Set(ids).size).toBe(5_000);
  await simulation.drain();
  expect(countByKey(simulation.handlers.begun as never)).toEqual(all(names, 1));
  // S16 runs 64 actions at a time, and executors are among them.
  expect(simulation.handlers.most).toBeLessThanOrEqual(64);
  expectAtRest(simulation);
});

test("a batch of 300 has one callback each", async () => {
  const simulation = await Simulation.open();
  await simulation.mutation("enqueueBatch", {
    fn: "act",
    argsArray: keys(300).map((key) => ({ key })),
    onComplete: "recordAndCount",
  });
  await simulation.drain();
  expect(simulation.rows("outcomes")).toHaveLength(300);
  expect(simulation.rows("tallies")).toMatchObject([{ count: 300 }]);
  expectAtRest(simulation);
});
