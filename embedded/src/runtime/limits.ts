/** Numbers of the platform that may change, with Convex's values as defaults. */
import type { Limits } from "../storage/types.js";

export type DeploymentClass = "S16" | "S256" | "D1024";

/** How many functions of a kind may run at the same time. */
export interface Concurrency {
  queries: number;
  mutations: number;
  actions: number;
  nodeActions: number;
  scheduledJobs: number;
}

export const CONCURRENCY: Record<DeploymentClass, Concurrency> = {
  S16: {
    queries: 16,
    mutations: 16,
    actions: 64,
    nodeActions: 64,
    scheduledJobs: 8,
  },
  S256: {
    queries: 256,
    mutations: 256,
    actions: 512,
    nodeActions: 256,
    scheduledJobs: 256,
  },
  D1024: {
    queries: 1024,
    mutations: 512,
    actions: 1024,
    nodeActions: 1024,
    scheduledJobs: 512,
  },
};

/** A backoff of `min(initialMs · 2^n, maxMs) · U[0, 1)`; `retries` may be Infinity. */
export interface RetryPolicy {
  retries: number;
  initialMs: number;
  maxMs: number;
}

export interface RuntimeLimits {
  /** Limits of a transaction that differ from the store's defaults. */
  transaction: Partial<Limits>;
  maxArgumentBytes: number;
  maxResultBytes: number;
  /** How deep queries and mutations may nest. */
  maxCallDepth: number;
  /**
   * Processor time a query or mutation may spend in its own code, in
   * milliseconds. It is measured whenever the code waits; a loop without an end
   * is interrupted only in the part before the first await. Null: no limit (for
   * simulations, where real time must not decide anything, and for benchmarks,
   * since watching costs a thread per call).
   */
  userTimeMs: number | null;
  /**
   * By how much what `useStaleSnapshot` shows is older than the mutation's own
   * snapshot. Convex may choose an older one and does not yet.
   */
  staleSnapshotAgeMs: number;
  actionTimeoutMs: number;
  nodeActionTimeoutMs: number;
  /** Operations (runQuery, runMutation, …) one action may have under way; further ones wait. */
  operationsPerAction: number;
  concurrency: Partial<Concurrency>;
  /** How long queries and mutations wait for a permit before they are refused. */
  transactionPermitWaitMs: number;
  actionPermitWaitMs: number;
  mutationRetry: RetryPolicy;
  scheduledMutationRetry: RetryPolicy;
  actionScheduleRetry: RetryPolicy;
  /** Between attempts of a scheduled job that met a system error. */
  scheduledSystemErrorRetry: RetryPolicy;
  /** How long finished scheduled functions and session outcomes stay readable. */
  retentionMs: number;
}

const MiB = 1 << 20;
const HOUR = 3_600_000;

export const DEFAULT_LIMITS: RuntimeLimits = {
  transaction: {},
  maxArgumentBytes: 16 * MiB,
  maxResultBytes: 16 * MiB,
  maxCallDepth: 8,
  userTimeMs: 1_000,
  staleSnapshotAgeMs: 0,
  actionTimeoutMs: 30 * 60_000,
  nodeActionTimeoutMs: 10 * 60_000,
  operationsPerAction: 1_000,
  concurrency: {},
  transactionPermitWaitMs: 5_000,
  actionPermitWaitMs: 10_000,
  mutationRetry: { retries: 4, initialMs: 100, maxMs: 2_000 },
  scheduledMutationRetry: {
    retries: Infinity,
    initialMs: 100,
    maxMs: 60_000,
  },
  actionScheduleRetry: { retries: 3, initialMs: 10, maxMs: 2_000 },
  scheduledSystemErrorRetry: {
    retries: Infinity,
    initialMs: 500,
    maxMs: 2 * HOUR,
  },
  retentionMs: 7 * 24 * HOUR,
};

/**
 * Artificial delays, in milliseconds, for benchmarks: what the network and the
 * database of a real deployment would add. Waited for through the clock.
 */
export interface Latency {
  /** Of a query called by a client or an action. */
  queryMs: number;
  mutationBeforeBeginMs: number;
  /** Between begin and commit: what decides how likely conflicts are. */
  mutationOpenMs: number;
  mutationAfterCommitMs: number;
  /** How much longer certain mutations stay open, by their names ("mod/path:fn"). */
  slowMutationsMs: Record<string, number>;
  nestedActionMs: number;
  /**
   * From the commit (or due time) of a scheduled function until the scheduler
   * looks. A slot that falls free is filled at once with what waited for it.
   */
  schedulerPickupMs: number;
  /** From there until the function is called. */
  scheduledStartMs: number;
}

export const NO_LATENCY: Latency = {
  queryMs: 0,
  mutationBeforeBeginMs: 0,
  mutationOpenMs: 0,
  mutationAfterCommitMs: 0,
  slowMutationsMs: {},
  nestedActionMs: 0,
  schedulerPickupMs: 0,
  scheduledStartMs: 0,
};

export function backoffMs(
  policy: RetryPolicy,
  failures: number,
  uniform: number,
): number {
  const exponential = policy.initialMs * 2 ** Math.min(failures, 40);
  return Math.min(exponential, policy.maxMs) * uniform;
}
