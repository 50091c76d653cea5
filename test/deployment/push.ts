/** Pushes the app of these tests once per run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { pushInto } from "../../sim/push.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** The data directory of a deployment that has the app. */
    pushedApp: string;
  }
}

export default async function setup({ provide }: TestProject) {
  const dataDir = await mkdtemp(path.join(tmpdir(), "workpool-pushed-"));
  await pushInto(dataDir);
  provide("pushedApp", dataDir);
  return () => rm(dataDir, { recursive: true });
}
