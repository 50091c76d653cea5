import { describe, expect, test } from "vitest";
import { goals } from "../goals.js";
import type { Result } from "../result.js";
import { SCENARIOS } from "../scenarios/index.js";
import { result } from "./results.js";

const met = (...results: Result[]) =>
  goals(results).map(({ what, met }) => [what, met]);

describe("the goals", () => {
  test("are met up to what they say, and not beyond", () => {
    const death = (doneAfterMs: number) =>
      met(result({ scenario: "death-memory", extra: { doneAfterMs } }));
    expect(death(150_000)).toEqual([[expect.any(String), true]]);
    expect(death(150_001)).toEqual([[expect.any(String), false]]);
  });

  test("are not met by what never came to be", () => {
    const stuck = result({
      scenario: "restart",
      extra: { goesOnMs: null, failedTicks: 1 },
      problems: ["210 works were left"],
    });
    expect(met(stuck)).toEqual([
      ["restart until everything has gone on, in ms", false],
      ["scheduled mutations that failed", false],
    ]);
  });

  test("that compare with the peer are open until it is measured", () => {
    const ours = result({ scenario: "mutations", dollarsPerMillion: 3 });
    const peer = result({
      ...ours,
      pool: "@convex-dev/workpool",
      dollarsPerMillion: 4,
    });
    const what = "dollars per million jobs ÷ the peer's";
    expect(met(ours)).toContainEqual([what, null]);
    expect(met(ours, peer)).toContainEqual([what, false]);
  });

  test("that compare with the peer are open for what a pool never came to", () => {
    const [ours, peer] = [300, null].map((hopMeanMs) =>
      result({ scenario: "chains-5", extra: { hopMeanMs } }),
    ) as [Result, Result];
    const what = "from one start of a chain to the next, mean, ÷ the peer's";
    expect(met(ours, { ...peer, pool: "@convex-dev/workpool" })).toContainEqual(
      [what, null],
    );
  });

  test("are set for long works, chains, fans, the user's own functions, restarts, deaths and the life of a work", () => {
    const every = SCENARIOS.map(({ name }) => result({ scenario: name }));
    const names = new Set(goals(every).map(({ scenario }) => scenario));
    for (const name of [
      "aged",
      "mixed-10min",
      "saturated-spread",
      "chains-5",
      "fan",
      "neighbours-mutations-100",
      "neighbours-actions-500",
      "restart-contexts",
      "death-system",
      "timeouts",
      "unique",
      "attached",
      "heartbeats",
      "retries-history",
      "list-pages",
      "retry-filter",
    ]) {
      expect(names).toContain(name);
    }
  });
});
