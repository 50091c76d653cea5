/** What a deployment spends between two moments: processor time, and its functions' counters. */
import { cpus } from "node:os";
import type { Stats } from "../../embedded/src/runtime/types.js";
import { combined, zero } from "../used.js";
import type { Deployment } from "./deployment.js";

export interface Spent {
  /** Of the deployment's process. */
  cpuMs: number;
  calls: number;
  conflicts: number;
  byFunction: Stats;
  /** The share of the machine's processors that other programs took. */
  othersShare: number;
}

/** Resolves with a function that tells what was spent since. */
export async function startMeter(
  deployment: Deployment,
): Promise<() => Promise<Spent>> {
  const statsBefore = await deployment.ask("stats");
  const cpuBefore = await deployment.ask("cpu");
  const machineBefore = machineTimes();
  return async () => {
    const cpuMs = (await deployment.ask("cpu")) - cpuBefore;
    const machine = machineTimes();
    const busyMs = machine.busy - machineBefore.busy;
    const ownMs = machine.own - machineBefore.own + cpuMs;
    const othersShare = (busyMs - ownMs) / (machine.all - machineBefore.all);
    const byFunction: Stats = {};
    let all = zero();
    for (const [name, stats] of Object.entries(await deployment.ask("stats"))) {
      const since = combined(stats, statsBefore[name] ?? zero(), -1);
      byFunction[name] = since;
      all = combined(all, since, 1);
    }
    const { calls, conflicts } = all;
    return { cpuMs, calls, conflicts, byFunction, othersShare };
  };
}

/** Milliseconds, of all processors and of this process. */
function machineTimes(): { all: number; busy: number; own: number } {
  let all = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    all += Object.values(times).reduce((sum, ms) => sum + ms, 0);
    idle += times.idle;
  }
  const { user, system } = process.cpuUsage();
  return { all, busy: all - idle, own: (user + system) / 1000 };
}
