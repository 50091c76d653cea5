/** How much the embedded deployment does, side by side with another version of it if one is given. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { push } from "../push.js";
import { startDeployment, type Deployment } from "./deployment.js";
import { LOADS, type Load, type Prepared } from "./loads.js";
import { timeByPart } from "./profile.js";

const APP = fileURLToPath(new URL("./app", import.meta.url));

export interface Variant {
  store: "memory" | "disk";
  /** The checkout whose deployment it is. */
  root: string;
}

/** One load on one variant of the deployment. */
export interface Throughput {
  load: Load;
  variant: Variant;
  rounds: { seconds: number; cpuMs: number; count: number }[];
  /** Milliseconds of one more round, by part of the program. */
  time: Map<string, number>;
}

export interface ThroughputOptions {
  variants: Variant[];
  rounds: number;
  /** Multiplies what each round does. */
  scale: number;
  onLoad(name: string): void;
}

export async function measureThroughput({
  variants,
  rounds,
  scale,
  onLoad,
}: ThroughputOptions): Promise<Throughput[]> {
  const directory = await mkdtemp(path.join(tmpdir(), "workpool-wall-"));
  const deployments: Deployment[] = [];
  try {
    for (const [index, { store, root }] of variants.entries()) {
      const dataDir =
        store === "disk" ? path.join(directory, String(index)) : null;
      const deployment = await startDeployment({ root, dataDir });
      deployments.push(deployment);
      await push(deployment, APP);
    }
    const results: Throughput[] = [];
    for (const load of LOADS) {
      onLoad(load.name);
      const taking = variants.flatMap((variant, index) =>
        variant.store === "disk" && !load.writes
          ? []
          : [{ variant, deployment: deployments[index]! }],
      );
      results.push(...(await measureLoad(load, taking, rounds, scale)));
    }
    return results;
  } finally {
    for (const deployment of deployments) await deployment.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function measureLoad(
  load: Load,
  taking: { variant: Variant; deployment: Deployment }[],
  rounds: number,
  scale: number,
): Promise<Throughput[]> {
  const count = load.countAt(scale);
  const prepared: Prepared[] = [];
  try {
    for (const { deployment } of taking) {
      const ready = await load.prepare(deployment.url);
      prepared.push(ready);
      // Code that has not run before is compiled first.
      await ready.run(count);
    }
    const results: Throughput[] = taking.map(({ variant }) => ({
      load,
      variant,
      rounds: [],
      time: new Map(),
    }));
    for (let round = 0; round < rounds; round++) {
      for (const [index, { deployment }] of taking.entries()) {
        const cpu = await deployment.ask("cpu");
        const start = performance.now();
        await prepared[index]!.run(count);
        const seconds = (performance.now() - start) / 1000;
        const cpuMs = (await deployment.ask("cpu")) - cpu;
        results[index]!.rounds.push({ seconds, cpuMs, count });
      }
    }
    for (const [index, { deployment }] of taking.entries()) {
      await deployment.ask("startProfile");
      await prepared[index]!.run(count);
      results[index]!.time = timeByPart(await deployment.ask("endProfile"));
    }
    return results;
  } finally {
    for (const each of prepared) await each.close();
  }
}
