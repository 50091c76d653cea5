import { beforeAll, describe, expect, test } from "vitest";
import type { App } from "../../embedded/src/runtime/types.js";
import { vDeed } from "../app/convex/lifeSpecs.js";
import { runLifeHistory } from "../life/history.js";
import { drawLifeSetting } from "../life/setting.js";
import { drawLifeWorkload } from "../life/workload.js";
import { pushedVersions } from "../versions.js";

/** Seeds enough to see what is drawn at all. */
const drawn = Array.from({ length: 200 }, (_, seed) => {
  const setting = drawLifeSetting(seed);
  const { specs, calls } = drawLifeWorkload(setting);
  return { setting, specs: [...specs.values()], calls };
});
const specs = drawn.flatMap((each) => each.specs);
const calls = drawn.flatMap((each) => each.calls);

describe("what is drawn", () => {
  test("every option of time, alone and together", () => {
    for (const option of ["timeoutMs", "retry", "expireAfter", "runAfter"]) {
      const share =
        specs.filter(({ options }) => option in options).length / specs.length;
      expect(share).toBeGreaterThan(0.1);
      expect(share).toBeLessThan(0.7);
    }
    const kinds = specs.flatMap(({ deeds }) => deeds.map(({ does }) => does));
    expect(new Set(kinds)).toEqual(
      new Set(vDeed.fields.does.members.map(({ value }) => value)),
    );
    const ways = specs.map(({ options }) => options.onTimeout);
    expect(new Set(ways)).toEqual(new Set([undefined, "hold", "release"]));
    // It has to be told from an attempt that ends in time.
    for (const { deeds, options } of specs) {
      for (const { does, ms } of deeds) {
        if (does === "hang") expect(ms).toBeGreaterThan(options.timeoutMs);
      }
    }
  });

  test("keys of every scope, and everything that is done about duplicates", () => {
    const uniques = calls
      .filter(({ name }) => name === "life:submitUnique")
      .map(({ args }) => args.unique as Record<string, unknown>);
    const scopes = uniques.map(
      ({ scope }) => typeof scope === "object" || scope,
    );
    expect(new Set(scopes)).toEqual(
      new Set(["waiting", "active", "retained", true]),
    );
    const ways = uniques.map(({ onDuplicate }) => onDuplicate);
    expect(new Set(ways)).toEqual(new Set(["return", "replace", "runAgain"]));
    expect(uniques.some(({ maxDelayMs }) => maxDelayMs !== undefined)).toBe(
      true,
    );
  });

  test("everything that is done to works, and pauses", () => {
    const one = calls.filter(({ name }) => name === "life:tellOne");
    expect(new Set(one.map(({ args }) => args.op))).toEqual(
      new Set([
        "cancel",
        "update",
        "retry",
        "forget",
        "complete",
        "fail",
        "retryCallbacks",
      ]),
    );
    const many = calls.filter(({ name }) => name === "life:tellMany");
    expect(new Set(many.map(({ args }) => args.op))).toEqual(
      new Set(["retry", "retryCallbacks", "forget", "cancelMany"]),
    );
    expect(calls.some(({ name }) => name === "requests:setLimit")).toBe(true);
  });

  test("every class, small limits, with faults and without", () => {
    const settings = drawn.map(({ setting }) => setting);
    const classes = settings.map((setting) => setting.deploymentClass);
    expect(new Set(classes)).toEqual(new Set(["S16", "S256", "D1024"]));
    const limits = settings.map(({ limit }) => limit);
    expect(Math.min(...limits)).toBe(1);
    expect(Math.max(...limits)).toBeGreaterThan(25);
    expect(settings.some(({ isFaultless }) => isFaultless)).toBe(true);
    expect(settings.some(({ isFaultless }) => !isFaultless)).toBe(true);
  });
});

describe("histories", () => {
  let versions: [App, App];
  beforeAll(async () => {
    versions = await pushedVersions();
  });

  test.each([1, 2, 3, 4, 5])("seed %i", async (seed) => {
    const { violations } = await runLifeHistory(versions, seed);
    expect(violations).toEqual([]);
  });

  test("the same seed is the same history, to the letter", async () => {
    const traceOf = async (seed: number) => {
      const lines: string[] = [];
      await runLifeHistory(versions, seed, (line) => lines.push(line));
      return lines;
    };
    const first = await traceOf(3);
    expect(first.length).toBeGreaterThan(10);
    expect(await traceOf(4)).not.toEqual(first);
    expect(await traceOf(3)).toEqual(first);
  });
});
