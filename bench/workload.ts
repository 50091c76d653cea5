/** What is enqueued when: the same for every pool, and on every deployment. */
import type { Randomness } from "../embedded/src/seams.js";

export interface Job {
  id: number;
  /** How long it takes. */
  ms?: number;
  /** How likely an attempt is to fail. */
  failures?: number;
  /** Before this time, in milliseconds since 1970, every attempt fails. */
  failsUntil?: number;
  /** How often it says that it goes on, where it is told which attempt it is. */
  beatEveryMs?: number;
  /** Ballast. */
  data?: string;
}

export interface Workload {
  jobs: Job[];
  job: "action" | "mutation";
  feed:
    | {
        kind: "clients";
        /** Each enqueues one batch after the other. */
        clients: number;
        size: number;
      }
    | {
        kind: "arrivals";
        /** For each job, in milliseconds from the start. */
        times: number[];
        /** From mutations that take 200 ms. */
        slowly: boolean;
      };
}

/** `scaled` stretches numbers of jobs as `--scale` says. */
export type MakeWorkload = (
  scaled: (count: number) => number,
  random: Randomness,
) => Workload;

export function jobs(count: number, more: Omit<Job, "id"> = {}): Job[] {
  return Array.from({ length: count }, (_, id) => ({ id, ...more }));
}
