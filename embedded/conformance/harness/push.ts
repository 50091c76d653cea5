/**
 * Pushes the app of the suite once per run, with the official CLI, to a deployment
 * whose data directory every file of cases then starts from.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { startDeployment } from "../../src/index.js";
import { convex, deployDirectory, type Target } from "../../test/cli/convex.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** The data directory of a deployment that has the app. */
    conformanceApp: string;
  }
}

const APP = fileURLToPath(new URL("../app", import.meta.url));

/** `npx convex env set`. */
export async function setVariable(
  target: Target,
  name: string,
  value: string,
): Promise<void> {
  const args = ["env", "set", name, value];
  const { code, stderr } = await convex(APP, args, target);
  if (code !== 0) throw new Error(stderr);
}

export default async function setup({ provide }: TestProject) {
  const dataDir = await mkdtemp(join(tmpdir(), "conformance-"));
  const deployment = await startDeployment({ dataDir });
  try {
    // What the app declares as required must be there before it.
    for (const [name, value] of [
      ["GREETING", "hello"],
      ["CURRENCY", "CHF"],
    ] as const) {
      await setVariable(deployment, name, value);
    }
    await deployDirectory(APP, deployment);
  } finally {
    await deployment.close();
  }
  provide("conformanceApp", dataDir);
  return () => rm(dataDir, { recursive: true });
}
