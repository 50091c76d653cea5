/**
 * The published workflow component on one pool and on the other. All that
 * differs is what it imports as "@convex-dev/workpool".
 */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { push } from "../push.js";
import { startDeployment, type Deployment } from "./deployment.js";
import {
  type Component,
  installPool,
  linkPackage,
  REPOSITORY,
} from "./packages.js";
import { COMPONENTS, type Pair, turn } from "./sideBySide.js";
import { type Spent, startMeter } from "./spent.js";

const { flows } = anyApi as any;

const APP = fileURLToPath(new URL("./workflow", import.meta.url));
const WORKFLOW = "@convex-dev/workflow";

/** So many workflows, begun at once, of so many steps. */
export interface Case {
  workflows: number;
  steps: number;
}

export const CASES: readonly Case[] = [
  ...[1, 2, 5, 10, 20, 50].map((workflows) => ({ workflows, steps: 5 })),
  { workflows: 1, steps: 20 },
];

/** Runs before all cases, uncounted: code that has not run before is compiled first. */
const WARM_UP: Case = { workflows: 5, steps: 5 };

/** A pool has nothing left to do when nothing was called for so long. */
const QUIET_MS = 1000;
/** The peer polls for up to ten seconds after its last job. */
const MOST_TAIL_MS = 12_000;

export interface WorkflowRun {
  /** From the call that begins the first until the last has ended. */
  seconds: number;
  /** Until the pool does nothing any more. */
  spent: Spent;
}

export interface CaseRuns {
  of: Case;
  runs: Pair<WorkflowRun[]>;
}

export interface WorkflowRuns {
  /** Of the workflow component. */
  version: string;
  cases: CaseRuns[];
}

export async function measureWorkflows({
  runs,
  cases,
  onRun,
}: {
  runs: number;
  cases: readonly Case[];
  onRun(component: Component, of: Case, run: WorkflowRun): void;
}): Promise<WorkflowRuns> {
  const directory = await mkdtemp(path.join(tmpdir(), "workpool-wall-"));
  try {
    const templates = {} as Pair<string>;
    for (const [index, component] of COMPONENTS.entries()) {
      const place = path.join(directory, String(index));
      templates[component] = await prepare(place, component);
    }
    const results = cases.map((of): CaseRuns => ({
      of,
      runs: { workpool: [], "@convex-dev/workpool": [] },
    }));
    for (let run = 0; run < runs; run++) {
      const deployments = {} as Pair<Deployment>;
      try {
        for (const component of COMPONENTS) {
          const dataDir = path.join(directory, `run-${component.length}`);
          await cp(templates[component], dataDir, { recursive: true });
          const start = { root: REPOSITORY, dataDir };
          deployments[component] = await startDeployment(start);
          await runCase(deployments[component], WARM_UP);
        }
        for (const [index, { of, runs }] of results.entries()) {
          for (const component of turn(run + index)) {
            const result = await runCase(deployments[component], of);
            runs[component].push(result);
            onRun(component, of, result);
          }
        }
      } finally {
        for (const component of COMPONENTS) {
          await deployments[component]?.stop();
          const dataDir = path.join(directory, `run-${component.length}`);
          await rm(dataDir, { recursive: true, force: true });
        }
      }
    }
    return { version: await versionOf(WORKFLOW), cases: results };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Resolves with the data directory of a deployment to which the app was pushed. */
async function prepare(
  directory: string,
  component: Component,
): Promise<string> {
  const app = path.join(directory, "app");
  await cp(APP, app, { recursive: true });
  const modules = path.join(app, "node_modules");
  for (const name of ["convex", "convex-helpers", "async-channel"]) {
    await linkPackage(modules, name);
  }
  await installPool(modules, component, "@convex-dev/workpool");
  // A link would be followed, and what it imports looked for where it leads.
  const published = path.join(REPOSITORY, "node_modules", WORKFLOW);
  await cp(published, path.join(modules, WORKFLOW), { recursive: true });
  const dataDir = path.join(directory, "template");
  const deployment = await startDeployment({ root: REPOSITORY, dataDir });
  try {
    await push(deployment, app);
  } finally {
    await deployment.stop();
  }
  return dataDir;
}

async function versionOf(name: string): Promise<string> {
  const manifest = path.join(REPOSITORY, "node_modules", name, "package.json");
  const text = await readFile(manifest, "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

let groups = 0;

/** Throws unless every step of every workflow ran. */
async function runCase(
  deployment: Deployment,
  { workflows, steps }: Case,
): Promise<WorkflowRun> {
  const group = `group-${groups++}`;
  const watcher = new ConvexClient(deployment.url, { logger: false });
  try {
    const allEnded = ended(watcher, group, workflows);
    const meter = await startMeter(deployment);
    const start = performance.now();
    const http = new ConvexHttpClient(deployment.url, { logger: false });
    await Promise.all(
      Array.from({ length: workflows }, () =>
        http.mutation(flows.begin, { group, steps }, { skipQueue: true }),
      ),
    );
    const endings = await allEnded;
    const seconds = (performance.now() - start) / 1000;
    if (endings.some((ran) => ran !== steps)) {
      throw new Error(`steps that ran, by workflow: ${endings.join(", ")}`);
    }
    await quiet(deployment);
    return { seconds, spent: await meter() };
  } finally {
    await watcher.close();
  }
}

/** Resolves with how many steps each workflow of the group ran, once so many have ended. */
function ended(
  watcher: ConvexClient,
  group: string,
  workflows: number,
): Promise<(number | null)[]> {
  return new Promise((resolve, reject) => {
    watcher.onUpdate(
      flows.endings,
      { group },
      (endings: (number | null)[]) => {
        if (endings.length === workflows) resolve(endings);
      },
      reject,
    );
  });
}

async function quiet(deployment: Deployment): Promise<void> {
  const deadline = performance.now() + MOST_TAIL_MS;
  while (performance.now() < deadline) {
    const meter = await startMeter(deployment);
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    if ((await meter()).calls === 0) return;
  }
}
