import { beforeAll, describe, expect, test } from "vitest";
import type { App } from "../../embedded/src/runtime/types.js";
import { runLightHistory } from "../corners/history.js";
import { drawLightSetting } from "../light/setting.js";
import { drawLightWorkload } from "../light/workload.js";
import { pushedVersions } from "../versions.js";

/** Seeds enough to see what is drawn at all. */
const drawn = Array.from({ length: 200 }, (_, seed) => {
  const setting = drawLightSetting(seed);
  return { setting, works: [...drawLightWorkload(setting).specs.values()] };
});

describe("what is drawn", () => {
  test("chains and fans, from handlers and from callbacks", () => {
    const families = drawn
      .flatMap(({ works }) => works)
      .flatMap(({ family }) => (family ? [family] : []));
    expect(new Set(families.map(({ from }) => from)).size).toBe(2);
    const chains = families.filter(({ width }) => width === 1);
    expect(Math.max(...chains.map(({ depth }) => depth))).toBeGreaterThan(20);
    expect(Math.max(...families.map(({ width }) => width))).toBeGreaterThan(40);
    for (const { works } of drawn) {
      expect(works.length).toBeGreaterThan(0);
      expect(works.length).toBeLessThan(1_500);
    }
  });

  test("every class, the smallest most of all, own calls, several pools, a death now and then", () => {
    const settings = drawn.map(({ setting }) => setting);
    const small = settings.filter((each) => each.deploymentClass === "S16");
    expect(small.length).toBeGreaterThan(70);
    expect(settings.some(({ ownCallsMs }) => ownCallsMs !== null)).toBe(true);
    expect(settings.some(({ pools }) => pools.length === 2)).toBe(true);
    expect(settings.some(({ blows }) => blows.length > 0)).toBe(true);
  });
});

describe("histories", () => {
  let versions: [App, App];
  beforeAll(async () => {
    versions = await pushedVersions();
  });

  test.each([
    [
      160,
      "a report with 59 callbacks was open for a second, and ran them twice",
    ],
    [
      173,
      "a report began to drive again and again, and lost to the chain's ticks",
    ],
    [180, "the same with many works waiting behind it"],
    [283, "a nearly full pool, whose reports race for the turn"],
  ])("seed %i: %s", async (seed) => {
    const { violations } = await runLightHistory(versions, seed);
    expect(violations).toEqual([]);
  });
});
