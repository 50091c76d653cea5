/** Pushes the app of these tests once per run. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { appIn, pushInto } from "../../sim/push.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** The data directory of a deployment that has the app: to be copied, not opened, since tests run side by side. */
    pushedApp: string;
    /** What was pushed, as JSON. */
    pushedCode: string;
  }
}

export default async function setup({ provide }: TestProject) {
  const directory = await mkdtemp(path.join(tmpdir(), "workpool-pushed-"));
  const dataDir = path.join(directory, "data");
  await pushInto(dataDir);
  const codeFile = path.join(directory, "app.json");
  await writeFile(codeFile, JSON.stringify(appIn(dataDir)));
  provide("pushedApp", dataDir);
  provide("pushedCode", codeFile);
  return () => rm(directory, { recursive: true });
}
