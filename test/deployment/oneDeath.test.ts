/** What one death costs those who had no part in it. */
import { describe, expect, test } from "vitest";
import { act, keys } from "../../sim/works.js";
import { all, countByKey, expectAtRest, outcomes } from "./invariants.js";
import { OUT_OF_MEMORY, SYSTEM_ERROR } from "./processes.js";
import { Simulation } from "./simulation.js";

const retry = { maxAttempts: 4, initialBackoffMs: 100, base: 2 };

describe.each([
  { why: SYSTEM_ERROR, doneMs: 90_000 },
  { why: OUT_OF_MEMORY, doneMs: 150_000 },
])("all executors die once: $why", ({ why, doneMs }) => {
  test.each([50, 20])(
    "50 works of 30 seconds at limit %i are soon done all the same",
    async (limit) => {
      const simulation = await Simulation.open();
      await simulation.setLimit(limit);
      const names = keys(50);
      await simulation.enqueueTogether(
        ...names.map((key) => act(key, { ms: 30_000 }, { retry })),
      );
      await simulation.pass(10_000);
      expect(simulation.handlers.inFlight).toBe(limit);
      simulation.processes.killAll(why);
      // Beyond what they take at this limit, had nobody died.
      const rounds = Math.ceil(names.length / limit) - 1;
      const took = await simulation.until(
        () => simulation.rows("outcomes").length === names.length,
        10 * 60_000,
      );
      expect(took).not.toBeNull();
      expect(10_000 + took!).toBeLessThanOrEqual(doneMs + rounds * 30_000);
      await simulation.drain();
      expect(outcomes(simulation)).toEqual(all(names, "success"));
      expectAtRest(simulation);
    },
  );
});

describe("one work of 40 exhausts its executor's memory whenever it runs", () => {
  test.each([5, 8])(
    "it ends after %i attempts at most; its neighbours succeed",
    async (maxAttempts) => {
      const simulation = await Simulation.open();
      await simulation.setLimit(40);
      simulation.handlers.onBegin = ({ key, executor }) => {
        if (key !== "poison") return;
        void simulation
          .later(500)
          .then(() => simulation.processes.kill(executor!, OUT_OF_MEMORY));
      };
      const names = keys(39);
      const options = { retry: { ...retry, maxAttempts } };
      const works = names.map((key) => act(key, { ms: 5_000 }, options));
      works.splice(17, 0, act("poison", { ms: 5_000 }, options));
      await simulation.enqueueTogether(...works);
      const took = await simulation.until(
        () => simulation.rows("outcomes").length === works.length,
        30 * 60_000,
      );
      expect(outcomes(simulation)).toEqual({
        ...all(names, "success"),
        poison: "failed",
      });
      // Each of its attempts is found lost within 15 seconds.
      expect(took).toBeLessThanOrEqual(maxAttempts * 20_000);
      const attempts = countByKey(simulation.rows("attempts"));
      expect(attempts.poison).toBeLessThanOrEqual(maxAttempts);
      await simulation.drain();
      expectAtRest(simulation);
    },
  );
});
