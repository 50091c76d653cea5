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

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Of the bench's app, in any copy of the repository. */
const APP = "bench/app";
const CLI = path.join(
  path.dirname(createRequire(import.meta.url).resolve("convex/package.json")),
  "bin/main.js",
);

/** `npx convex deploy` of the bench's app, as it is in the repository at `root`. */
export async function push(
  target: { url: string; adminKey: string },
  root = ROOT,
): Promise<void> {
  const { CONVEX_DEPLOYMENT: _, CONVEX_DEPLOY_KEY: __, ...env } = process.env;
  const child = spawn(
    process.execPath,
    [CLI, "deploy", "--yes", "--codegen=disable", "--typecheck=disable"],
    {
      cwd: path.join(root, APP),
      env: {
        ...env,
        CI: "1",
        CONVEX_SELF_HOSTED_URL: target.url,
        CONVEX_SELF_HOSTED_ADMIN_KEY: target.adminKey,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let said = "";
  child.stdout.on("data", (data: Buffer) => (said += data.toString()));
  child.stderr.on("data", (data: Buffer) => (said += data.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`convex deploy failed:\n${said}`);
}

/** What a push of the bench's app makes of an empty deployment. */
export async function pushedApp(root?: string): Promise<App> {
  const dataDir = await mkdtemp(path.join(tmpdir(), "workpool-bench-"));
  try {
    const deployment = await startDeployment({ dataDir });
    try {
      await push(deployment, root);
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
