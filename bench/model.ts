/**
 * The latency model: what a real deployment's network, database and scheduler
 * would add. `docs/benchmarks.md` says what each means.
 */
import type { Latency } from "../embedded/src/index.js";
import { WORK_TRANSACTIONS } from "./pools.js";

/** The delays of a mutation that is called and neither slow nor stretched, in milliseconds. */
const MUTATION_MS = 15;

/** @param transactionMs how long a work that is a mutation takes, in any pool; null: as long as any mutation. */
export function latencyModel(
  factor: number,
  transactionMs: number | null = null,
): Latency {
  return {
    queryMs: 5 * factor,
    // A round trip of 15 ms, of which 10 between begin and commit.
    mutationBeforeBeginMs: 2.5 * factor,
    mutationOpenMs: 10 * factor,
    mutationAfterCommitMs: 2.5 * factor,
    // A clients' mutation that takes 200 ms: 190 more than any other.
    slowMutationsMs: {
      "pools:enqueueSlowly": 190,
      ...(transactionMs === null
        ? {}
        : Object.fromEntries(
            Object.values(WORK_TRANSACTIONS).map((name) => [
              name,
              transactionMs - MUTATION_MS,
            ]),
          )),
    },
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
  /** How long a work that is a mutation takes, in milliseconds; null: as long as any mutation. */
  transactionMs: number | null;
  /** Operations that one action may have under way. */
  ops: number;
  /** Multiplies the numbers of jobs. */
  scale: number;
  seed: number;
  /** Whether calls share their modules: it must make no difference but in time. */
  reuseModules: boolean;
  /** Tell apart what each function did. */
  functions: boolean;
  /** The sizes that take long. */
  full: boolean;
}

export const DEFAULT_SETTING: Setting = {
  latency: 1,
  class: "S256",
  transactionMs: null,
  ops: 1000,
  scale: 1,
  seed: 1,
  reuseModules: true,
  functions: false,
  full: false,
};
