import { beforeAll, describe, expect, test } from "vitest";
import type { App } from "../../embedded/src/runtime/types.js";
import { drawCornerSetting } from "../corners/setting.js";
import { drawCornerWorkload } from "../corners/workload.js";
import { runCornerHistory } from "../corners/history.js";
import { pushedVersions } from "../versions.js";

/** Seeds enough to see what is drawn at all. */
const drawn = Array.from({ length: 300 }, (_, seed) => {
  const setting = drawCornerSetting(seed);
  return { setting, works: [...drawCornerWorkload(setting).specs.values()] };
});
const works = drawn.flatMap((each) => each.works);

describe("what is drawn", () => {
  test("durations from milliseconds to the platform's limit, also in one pool", () => {
    const ranges = drawn.map(({ works }) => {
      const actions = works.filter(({ fnType }) => fnType === "action");
      const ms = actions.map((work) => work.ms);
      return Math.max(...ms) / Math.max(1, Math.min(...ms));
    });
    expect(Math.max(...ranges)).toBeGreaterThan(10_000);
    const undeclared = works.filter((work) => work.timeoutMs === undefined);
    const longest = Math.max(...undeclared.map((work) => work.ms));
    expect(longest).toBeGreaterThan(9 * 60_000);
    expect(longest).toBeLessThan(10 * 60_000);
    expect(Math.max(...works.map((work) => work.ms))).toBeGreaterThan(
      25 * 60_000,
    );
    for (const { ms, timeoutMs = ms } of works) {
      expect(ms).toBeLessThanOrEqual(timeoutMs);
    }
  });

  test.each(["argBytes", "contextBytes", "resultBytes"] as const)(
    "%s up to the limit",
    (size) => {
      const largest = Math.max(...works.map((work) => work[size]));
      expect(largest).toBeGreaterThan(900_000);
      expect(largest).toBeLessThan(1_000_000);
    },
  );

  test("every class, limits to 1,000, several pools, faults at any load", () => {
    const settings = drawn.map(({ setting }) => setting);
    const classes = settings.map((setting) => setting.deploymentClass);
    expect(new Set(classes)).toEqual(new Set(["S16", "S256", "D1024"]));
    const limits = settings.map(({ pools }) => pools[0]!.limit);
    expect(Math.min(...limits)).toBe(1);
    expect(Math.max(...limits)).toBeGreaterThan(900);
    expect(settings.some(({ pools }) => pools.length === 2)).toBe(true);
    expect(settings.some(({ blows }) => blows.length === 0)).toBe(true);
    const kinds = settings.flatMap(({ blows }) => blows.map((b) => b.kind));
    expect(new Set(kinds).size).toBe(3);
  });

  test("works that enqueue works, from handlers and from callbacks", () => {
    const places = works.flatMap(({ family }) => (family ? [family.from] : []));
    expect(new Set(places)).toEqual(new Set(["handler", "callback"]));
    expect(works.some(({ key }) => key.split(".").length > 10)).toBe(true);
  });
});

describe("histories", () => {
  let versions: [App, App];
  beforeAll(async () => {
    versions = await pushedVersions();
  });

  async function traceOf(seed: number): Promise<string[]> {
    const lines: string[] = [];
    await runCornerHistory(versions, seed, (line) => lines.push(line));
    return lines;
  }

  test.each([
    [9, "a few slots stood empty while all executors slept over long works"],
    [15, "an executor opened for long works asked every five seconds"],
    [40, "a handler whose own call met a fault"],
    [57, "an executor did not ask for what its start could not carry"],
    [74, "long works took one slot each, of many that were free"],
    [1041, "works that were only buffered failed with their executor"],
    [2221, "an executor that waited for its permit had never begun"],
    [
      4019,
      "works given back by an executor too old for them wait like long ones",
    ],
    [10447, "an idle executor for long works kept the last slot for 90 s"],
    [
      50624,
      "works in quarantine wait while one executor of the most there may be is kept from them",
    ],
    [
      70225,
      "a single slot of a saturated pool stood empty while others ran for minutes",
    ],
    [
      80473,
      "two pools have all eight scheduled functions of S16, and no watchdog runs meanwhile",
    ],
    [51194, "works that an executor was given half a second before it died"],
    [
      12027,
      "a full executor whose works had been short was handed others that it never asked for",
    ],
  ])("seed %i: %s", async (seed) => {
    const { violations } = await runCornerHistory(versions, seed);
    expect(violations).toEqual([]);
  });

  test("the same seed is the same history, to the letter", async () => {
    const first = await traceOf(11);
    expect(first.length).toBeGreaterThan(10);
    expect(await traceOf(12)).not.toEqual(first);
    expect(await traceOf(11)).toEqual(first);
  });
});
