/** The pools that are compared. */
export const POOLS = ["workpool", "@convex-dev/workpool", "scheduler"] as const;

export type Pool = (typeof POOLS)[number];

/** Those that limit how many run at once, and notice when what they started is lost. */
export const LIMITED_POOLS = ["workpool", "@convex-dev/workpool"] as const;

/** Where each keeps the jobs that have not ended: a component's table, or an index of the app's. */
export const WORK_TABLES: Record<Pool, { namespace: string; table: string }> = {
  workpool: { namespace: "workpool", table: "work" },
  "@convex-dev/workpool": { namespace: "peer", table: "work" },
  scheduler: { namespace: "", table: "handJobs" },
};

/** The transaction in which each runs a job that is a mutation. */
export const WORK_TRANSACTIONS: Record<Pool, string> = {
  workpool: "executor/transaction:run",
  "@convex-dev/workpool": "worker:runMutationWrapper",
  scheduler: "byHand:mutation",
};
