/**
 * The latency model: what a real deployment's network, database and scheduler
 * would add. `docs/benchmarks.md` says what each means.
 */
import type { Latency } from "../embedded/src/index.js";

export function latencyModel(factor: number): Latency {
  return {
    queryMs: 5 * factor,
    // A round trip of 15 ms, of which 10 between begin and commit.
    mutationBeforeBeginMs: 2.5 * factor,
    mutationOpenMs: 10 * factor,
    mutationAfterCommitMs: 2.5 * factor,
    // A clients' mutation that takes 200 ms: 190 more than any other.
    slowMutationsMs: { "pools:enqueueSlowly": 190 },
    nestedActionMs: 8 * factor,
    schedulerPickupMs: 20 * factor,
    scheduledStartMs: 8 * factor,
  };
}

/** What a measurement may vary. */
export interface Setting {
  /** Multiplies all delays of the model. */
  latency: number;
  class: "S16" | "S256";
  /** Operations that one action may have under way. */
  ops: number;
  /** Multiplies the numbers of jobs. */
  scale: number;
  seed: number;
  /** Whether calls may have the modules of earlier calls: it must make no difference but in time. */
  reuseModules: boolean;
  /** Tell apart what each function did. */
  functions: boolean;
  /** The sizes that take long. */
  full: boolean;
}

export const DEFAULT_SETTING: Setting = {
  latency: 1,
  class: "S256",
  ops: 1000,
  scale: 1,
  seed: 1,
  reuseModules: true,
  functions: false,
  full: false,
};
