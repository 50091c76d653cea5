import { describe, expect, test } from "vitest";
import { fileURLToPath } from "node:url";
import { parseOptions } from "../wall/options.js";
import { timeByPart, type Profile } from "../wall/profile.js";
import { measureRelay } from "../wall/relayRuns.js";
import { ratios, spread } from "../wall/statistics.js";
import {
  functionsTable,
  profiledLoads,
  profileTable,
  relayTable,
  spentOnRelay,
  spentOnWorkflows,
  throughputTable,
  workflowTable,
} from "../wall/tables.js";
import { measureThroughput } from "../wall/throughput.js";
import { measureWorkflows } from "../wall/workflow.js";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

describe("several runs are summed up", () => {
  test("by their median and how far they lie apart", () => {
    expect(spread([5, 1, 2])).toEqual({ median: 2, least: 1, most: 5 });
    expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, least: 1, most: 4 });
  });

  test("as ratios pair by pair", () => {
    // Twice as slow a machine in the second pair.
    expect(ratios([1, 2, 1], [2, 4, 4]).median).toBe(0.5);
  });
});

describe("a profile", () => {
  const node = (
    id: number,
    functionName: string,
    url: string,
    children: number[] = [],
  ) => ({
    id,
    callFrame: {
      functionName,
      url,
      scriptId: "0",
      lineNumber: 0,
      columnNumber: 0,
    },
    children,
  });
  const profile = {
    nodes: [
      node(1, "(root)", "", [2, 3, 4, 5, 8]),
      node(2, "(idle)", ""),
      node(3, "(garbage collector)", ""),
      node(4, "page", "file:///x/embedded/src/storage/versioned-index.ts", [6]),
      node(5, "emit", "node:events", [7]),
      node(6, "parse", ""),
      node(7, "handler", "convex-module:rows.js"),
      node(8, "startProfile", "file:///x/bench/wall/server.ts", [9]),
      node(9, "post", "node:inspector"),
    ],
    samples: [2, 3, 4, 5, 6, 7, 7, 9],
    timeDeltas: [9000, 1000, 1000, 1000, 1000, 1000, 1000, 5000],
    startTime: 0,
    endTime: 20000,
  } satisfies Profile;

  test("tells by part of the program what was not idle", () => {
    expect(Object.fromEntries(timeByPart(profile))).toEqual({
      "garbage collection": 1,
      storage: 2,
      "Node and V8": 1,
      functions: 2,
    });
  });
});

describe("the options of bench:wall", () => {
  test("measure everything unless told otherwise", () => {
    expect(parseOptions([])).toMatchObject({
      parts: ["workflow", "relay", "throughput"],
      runs: 5,
      against: null,
      publish: false,
    });
    expect(parseOptions(["--only", "relay"])!.parts).toEqual(["relay"]);
    expect(parseOptions(["--help"])).toBeNull();
  });

  test.each([
    [
      ["--only", "rely"],
      "--only rely: it must be workflow, relay or throughput",
    ],
    [["--runs", "1.5"], "--runs 1.5: it must be a whole number above 0"],
    [["--webhooks", "1000"], "--webhooks 1000: there are 329 samples"],
    [["--scale", "0"], "--scale 0: it must be a number above 0"],
  ])("refuse %j by name", (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});

test("the demo's workload runs through both pools, and nothing is lost", async () => {
  const relay = await measureRelay({
    runs: 1,
    webhooks: 8,
    tailMs: 0,
    onRun: () => {},
  });
  const [ours] = relay.runs.workpool;
  const [peers] = relay.runs["@convex-dev/workpool"];
  // Each goes to two receivers at least; which others subscribe depends on the event.
  expect(ours!.deliveries).toBeGreaterThanOrEqual(16);
  expect(peers!.deliveries).toBe(ours!.deliveries);
  for (const { deliveries, spent } of [ours!, peers!]) {
    expect(spent.calls).toBeGreaterThan(deliveries);
    expect(spent.cpuMs).toBeGreaterThan(0);
  }
  expect(relay.time.get("storage")).toBeGreaterThan(0);
  const { rows, titles } = relayTable(relay);
  expect(rows).toHaveLength(7);
  expect(rows.every((row) => row.length === titles.length)).toBe(true);
  const functions = functionsTable([spentOnRelay(relay)]);
  expect(functions.rows[0]).toHaveLength(functions.titles.length);
});

test("published workflows run on both pools, each step once", async () => {
  const measured = await measureWorkflows({
    runs: 1,
    cases: [{ workflows: 3, steps: 2 }],
    onRun: () => {},
  });
  expect(measured.version).toMatch(/^\d+\.\d+\.\d+$/);
  const [{ runs }] = measured.cases as [(typeof measured.cases)[number]];
  for (const [run] of [runs.workpool, runs["@convex-dev/workpool"]]) {
    expect(run!.seconds).toBeGreaterThan(0);
    expect(run!.spent.byFunction["|flows:step"]!.calls).toBe(6);
  }
  // Each pool has functions that the other one has not.
  const ours = runs.workpool[0]!.spent.byFunction;
  const peers = runs["@convex-dev/workpool"][0]!.spent.byFunction;
  const [tick, ping] = [
    "workflow/workpool|loop/tick:tick",
    "workflow/workpool/batchWorker|lib:ping",
  ];
  expect([tick in ours, tick in peers]).toEqual([true, false]);
  expect([ping in ours, ping in peers]).toEqual([false, true]);
  const { rows, titles } = workflowTable(measured);
  expect(rows).toHaveLength(1);
  expect(rows[0]).toHaveLength(titles.length);
  const functions = functionsTable(spentOnWorkflows(measured));
  const step = functions.rows.filter(([, name]) => name === "|flows:step");
  expect(step.map(([what, , calls]) => [what, calls])).toEqual([
    ["3 × 2, per step, workpool", "1"],
    ["3 × 2, per step, @convex-dev/workpool", "1"],
  ]);
});

test("every load does what it is to do, in memory and on disk", async () => {
  const results = await measureThroughput({
    variants: [
      { store: "memory", root: REPOSITORY },
      { store: "disk", root: REPOSITORY },
    ],
    rounds: 2,
    scale: 0.01,
    onLoad: () => {},
  });
  expect(
    results.map(({ load, variant, rounds }) => [
      load.unit,
      variant.store,
      rounds.map(({ count }) => count),
    ]),
  ).toEqual([
    ["queries", "memory", [10, 10]],
    ["queries", "memory", [10, 10]],
    ["transactions", "memory", [10, 10]],
    ["transactions", "disk", [10, 10]],
    ["transactions", "memory", [10, 10]],
    ["transactions", "disk", [10, 10]],
    ["transactions", "memory", [3, 3]],
    ["transactions", "disk", [3, 3]],
    ["updates", "memory", [100, 100]],
    ["updates", "disk", [100, 100]],
    ["updates", "memory", [100, 100]],
    ["updates", "disk", [100, 100]],
  ]);
  const { rows, titles } = throughputTable(results, results);
  expect(rows.every((row) => row.length === titles.length)).toBe(true);
  expect(rows[0]![2]).toBe("1 ×");
  expect(profileTable(profiledLoads(results)).rows).toHaveLength(
    results.length,
  );
});
