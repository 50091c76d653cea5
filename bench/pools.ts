/** The pools that are compared. */
export const POOLS = ["workpool", "@convex-dev/workpool", "scheduler"] as const;

export type Pool = (typeof POOLS)[number];

/** Where each keeps the jobs that have not ended: a component's table, or an index of the app's. */
export const WORK_TABLES: Record<Pool, { namespace: string; table: string }> = {
  workpool: { namespace: "workpool", table: "work" },
  "@convex-dev/workpool": { namespace: "peer", table: "work" },
  scheduler: { namespace: "", table: "handJobs" },
};
