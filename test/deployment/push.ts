/**
 * Pushes the app of these tests once per run, with the official CLI, to a
 * deployment whose data directory the tests then copy. Its time stands still and
 * its randomness is seeded, so that what the tests begin with is always the same.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { SeededRandomness, VirtualClock } from "../../embedded/src/clock.js";
import { startDeployment, type Deployment } from "../../embedded/src/index.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** The data directory of a deployment that has the app. */
    pushedApp: string;
  }
}

const APP = fileURLToPath(new URL("app", import.meta.url));
const CLI = path.join(
  path.dirname(createRequire(import.meta.url).resolve("convex/package.json")),
  "bin/main.js",
);

/** Before anything that a test does. */
export const PUSHED_AT = Date.UTC(2026, 0, 1);

export default async function setup({ provide }: TestProject) {
  const dataDir = await mkdtemp(path.join(tmpdir(), "workpool-pushed-"));
  const deployment = await startDeployment({
    dataDir,
    clock: new VirtualClock(PUSHED_AT),
    randomness: new SeededRandomness(1),
  });
  try {
    await push(deployment);
  } finally {
    await deployment.close();
  }
  provide("pushedApp", dataDir);
  return () => rm(dataDir, { recursive: true });
}

async function push({ url, adminKey }: Deployment): Promise<void> {
  const args = ["deploy", "--codegen=disable", "--typecheck=disable"];
  const child = spawn(
    process.execPath,
    [CLI, ...args, "--url", url, "--admin-key", adminKey],
    {
      cwd: APP,
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
