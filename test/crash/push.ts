/** Pushes the app of these tests once, with the official CLI, into a directory that the tests copy. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { startDeployment } from "../../embedded/src/index.js";
import { deployDirectory } from "../../embedded/test/cli/convex.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** The data directory of a deployment that has the app. */
    pushedApp: string;
  }
}

const APP = fileURLToPath(new URL("app", import.meta.url));

export default async function setup({ provide }: TestProject) {
  const dataDir = await mkdtemp(path.join(tmpdir(), "workpool-crash-app-"));
  const deployment = await startDeployment({ dataDir });
  try {
    await deployDirectory(APP, deployment);
  } finally {
    await deployment.close();
  }
  provide("pushedApp", dataDir);
  return () => rm(dataDir, { recursive: true });
}
