/** What a deployment spends between two moments: processor time, and its functions' counters. */
import type { Stats } from "../../embedded/src/runtime/types.js";
import { combined, zero } from "../used.js";
import type { Deployment } from "./deployment.js";

export interface Spent {
  /** Of the deployment's process. */
  cpuMs: number;
  calls: number;
  conflicts: number;
  byFunction: Stats;
}

/** Resolves with a function that tells what was spent since. */
export async function startMeter(
  deployment: Deployment,
): Promise<() => Promise<Spent>> {
  const statsBefore = await deployment.ask("stats");
  const cpuBefore = await deployment.ask("cpu");
  return async () => {
    const cpuMs = (await deployment.ask("cpu")) - cpuBefore;
    const byFunction: Stats = {};
    let all = zero();
    for (const [name, stats] of Object.entries(await deployment.ask("stats"))) {
      const since = combined(stats, statsBefore[name] ?? zero(), -1);
      byFunction[name] = since;
      all = combined(all, since, 1);
    }
    return { cpuMs, calls: all.calls, conflicts: all.conflicts, byFunction };
  };
}
