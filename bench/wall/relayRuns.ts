/** The demo's workload through one pool and the other, again and again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { samples } from "../../example/github/samples.js";
import type { Component } from "./packages.js";
import {
  prepareRelay,
  type RelayRun,
  runRelay,
  type Template,
} from "./relay.js";
import { COMPONENTS, type Pair, turn } from "./sideBySide.js";

export interface RelayRuns {
  runs: Pair<RelayRun[]>;
  /** Where the deployment's time goes in one more run with our pool. */
  time: Map<string, number>;
}

/** A stride through the samples, which are sorted by event, makes a few a mixture. */
const STRIDE = 37;

export async function measureRelay({
  runs,
  webhooks,
  tailMs,
  onRun,
}: {
  runs: number;
  /** How many of the demo's are sent. */
  webhooks: number;
  tailMs: number;
  onRun(component: Component, run: RelayRun): void;
}): Promise<RelayRuns> {
  const directory = await mkdtemp(path.join(tmpdir(), "workpool-wall-"));
  const chosen = Array.from(
    { length: webhooks },
    (_, index) => samples[(index * STRIDE) % samples.length]!,
  );
  try {
    const templates = {} as Pair<Template>;
    for (const [index, component] of COMPONENTS.entries()) {
      const place = path.join(directory, String(index));
      templates[component] = await prepareRelay(place, component);
    }
    const runOne = async (
      component: Component,
      run: number,
      profiled: boolean,
    ) => {
      const dataDir = path.join(directory, "run");
      const result = await runRelay({
        template: templates[component],
        dataDir,
        samples: chosen,
        tailMs,
        seed: `webhook-${run}`,
        profiled,
      });
      await rm(dataDir, { recursive: true });
      return result;
    };
    const results: RelayRuns["runs"] = {
      workpool: [],
      "@convex-dev/workpool": [],
    };
    for (let run = 0; run < runs; run++) {
      for (const component of turn(run)) {
        const result = await runOne(component, run, false);
        results[component].push(result);
        onRun(component, result);
      }
    }
    const { time } = await runOne("workpool", runs, true);
    return { runs: results, time: time! };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
