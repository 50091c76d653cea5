/** A deployment of its own, with the app of the suite, for one file of cases. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, inject } from "vitest";
import {
  startDeployment,
  type Deployment,
  type DeploymentOptions,
} from "../../src/index.js";
import type { Result, Step } from "../app/shared/steps.js";

export const api = anyApi as any;

export interface AppDeployment extends Deployment {
  client: ConvexHttpClient;
  /** Runs steps in one mutation, and gives what each of them gave. */
  mutate(...steps: Step[]): Promise<Result[]>;
  /** Runs steps in one query. */
  read(...steps: Step[]): Promise<Result[]>;
}

/** A directory of data in which the app of the suite has been pushed. */
export async function pushedData(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "conformance-"));
  await cp(inject("conformanceApp"), dataDir, { recursive: true });
  return dataDir;
}

/** Started before the cases of the file, closed after them. */
export function useDeployment(
  options: Partial<DeploymentOptions> = {},
): AppDeployment {
  const handle = {} as AppDeployment;
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await pushedData();
    const deployment = await startDeployment({ dataDir, ...options });
    Object.assign(handle, deployment, callers(deployment));
  });
  afterAll(async () => {
    await handle.close?.();
    await rm(dataDir, { recursive: true });
  });
  return handle;
}

function callers({ url }: Deployment) {
  const client = new ConvexHttpClient(url, { logger: false });
  return {
    client,
    mutate: (...steps: Step[]): Promise<Result[]> =>
      client.mutation(api.script.run, { steps }, { skipQueue: true }),
    read: (...steps: Step[]): Promise<Result[]> =>
      client.query(api.script.read, { steps }),
  };
}
