/** The bench's app, pushed once by the official CLI; every measurement starts from what it left. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { SystemRandomness, WallClock } from "../embedded/src/clock.js";
import { readCode } from "../embedded/src/deploy/store.js";
import { buildApp } from "../embedded/src/deploy/code.js";
import { DEPLOY_TABLES } from "../embedded/src/deploy/store.js";
import { startDeployment } from "../embedded/src/index.js";
import {
  DEPLOYMENT_TABLES,
  SYSTEM_TABLES,
} from "../embedded/src/runtime/index.js";
import type { App } from "../embedded/src/runtime/types.js";
import { openDatabase } from "../embedded/src/storage/index.js";

const APP = fileURLToPath(new URL("./app", import.meta.url));
const CLI = path.join(
  path.dirname(createRequire(import.meta.url).resolve("convex/package.json")),
  "bin/main.js",
);

export interface Target {
  url: string;
  adminKey: string;
}

/** The official CLI, in an app's directory. */
export async function convex(
  { url, adminKey }: Target,
  app: string,
  args: string[],
): Promise<void> {
  const { CONVEX_DEPLOYMENT: _, CONVEX_DEPLOY_KEY: __, ...env } = process.env;
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: app,
    env: {
      ...env,
      CI: "1",
      CONVEX_SELF_HOSTED_URL: url,
      CONVEX_SELF_HOSTED_ADMIN_KEY: adminKey,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.on("data", (data: Buffer) => (said += data.toString()));
  child.stderr.on("data", (data: Buffer) => (said += data.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`convex ${args[0]} failed:\n${said}`);
}

/** `npx convex deploy` of an app, the bench's own if none is given. */
export async function push(target: Target, app = APP): Promise<void> {
  await convex(target, app, [
    "deploy",
    "--yes",
    "--codegen=disable",
    "--typecheck=disable",
  ]);
}

/** What a push of the bench's app makes of an empty deployment. */
export async function pushedApp(app?: string): Promise<App> {
  const dataDir = await mkdtemp(path.join(tmpdir(), "workpool-bench-"));
  try {
    const deployment = await startDeployment({ dataDir });
    try {
      await push(deployment, app);
    } finally {
      await deployment.close();
    }
    const database = openDatabase({
      dir: dataDir,
      clock: new WallClock(),
      randomness: new SystemRandomness(),
      systemTables: SYSTEM_TABLES,
      deploymentTables: [...DEPLOYMENT_TABLES, ...DEPLOY_TABLES],
    });
    try {
      const code = readCode(database.begin())!;
      return buildApp(code, { user: {}, system: {} }, 1);
    } finally {
      database.close();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}
