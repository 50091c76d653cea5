/**
 * Pushes the simulation's app with the official CLI, once per process: to a
 * deployment whose code is then read from its store. Its time stands still and
 * its randomness is seeded, so that what is pushed is always the same.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { SeededRandomness, VirtualClock } from "../embedded/src/clock.js";
import { buildApp } from "../embedded/src/deploy/code.js";
import { DEPLOY_TABLES, readCode } from "../embedded/src/deploy/store.js";
import { startDeployment, type Deployment } from "../embedded/src/index.js";
import {
  DEPLOYMENT_TABLES,
  SYSTEM_TABLES,
} from "../embedded/src/runtime/index.js";
import type { App } from "../embedded/src/runtime/types.js";
import { openDatabase } from "../embedded/src/storage/index.js";

export const APP_DIRECTORY = fileURLToPath(new URL("app", import.meta.url));
const CLI = path.join(
  path.dirname(createRequire(import.meta.url).resolve("convex/package.json")),
  "bin/main.js",
);

/** Before anything that happens in a simulation. */
export const PUSHED_AT = Date.UTC(2026, 0, 1);

const seams = () => ({
  clock: new VirtualClock(PUSHED_AT),
  randomness: new SeededRandomness(1),
});

/** Makes `dataDir` that of a deployment with the app. */
export async function pushInto(
  dataDir: string,
  appDirectory: string = APP_DIRECTORY,
): Promise<void> {
  const deployment = await startDeployment({ dataDir, ...seams() });
  try {
    await push(deployment, appDirectory);
  } finally {
    await deployment.close();
  }
}

/** What a deployment with this data directory runs. */
export function appIn(dataDir: string): App {
  const database = openDatabase({
    dir: dataDir,
    ...seams(),
    systemTables: SYSTEM_TABLES,
    deploymentTables: [...DEPLOYMENT_TABLES, ...DEPLOY_TABLES],
  });
  try {
    const code = readCode(database.begin());
    if (code === null) throw new Error(`Nothing was pushed into ${dataDir}`);
    return buildApp(code, { user: {}, system: {} }, 1);
  } finally {
    database.close();
  }
}

/** What a push of `appDirectory` makes of an empty deployment. */
export async function pushedApp(appDirectory: string): Promise<App> {
  const dataDir = await mkdtemp(path.join(tmpdir(), "workpool-pushed-"));
  try {
    await pushInto(dataDir, appDirectory);
    return appIn(dataDir);
  } finally {
    await rm(dataDir, { recursive: true });
  }
}

async function push(
  { url, adminKey }: Deployment,
  appDirectory: string,
): Promise<void> {
  const args = ["deploy", "--codegen=disable", "--typecheck=disable"];
  const child = spawn(
    process.execPath,
    [CLI, ...args, "--url", url, "--admin-key", adminKey],
    {
      cwd: appDirectory,
      // CI: the CLI asks nothing and reports its crashes to nobody.
      env: { PATH: process.env.PATH, HOME: process.env.HOME, CI: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on("error", reject).on("close", resolve),
  );
  if (code !== 0) throw new Error(`convex deploy failed:\n${output}`);
}
