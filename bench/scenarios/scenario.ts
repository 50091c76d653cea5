/** What a scenario is. */
import type { Pool } from "../pools.js";
import type { Measured, Run } from "../run.js";
import type { MakeWorkload } from "../workload.js";

export interface Scenario {
  name: string;
  /** One line for people. */
  what: string;
  parallelism: number;
  /** Jobs wait all the time, so the share of slots in use says something. */
  deepQueue?: boolean;
  /** Overrides the setting. */
  class?: "S16";
  /** Overrides the setting: how long a work that is a mutation takes. */
  transactionMs?: number;
  /** Those that can do it at all. Default: every pool. */
  pools?: readonly Pool[];
  /** Of scenarios that are nothing else, and so can run on any deployment. */
  workload?: MakeWorkload;
  /** The same load without what the scenario is about, on a deployment of its own: what it used is passed to `measure`. */
  without?(run: Run): Promise<Measured>;
  measure(run: Run, without?: Measured): Promise<Measured>;
}
