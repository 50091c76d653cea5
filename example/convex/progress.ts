/** What the pool knows of deliveries that are under way. */
import { v, type Infer } from "convex/values";
import type { WorkId } from "convex-workpool";
import type { QueryCtx } from "./_generated/server.js";
import { pool } from "./pool.js";

export const vPhaseUnderWay = v.union(
  v.literal("queued"),
  v.literal("running"),
  v.literal("retrying"),
);

export interface Progress {
  phase: Infer<typeof vPhaseUnderWay>;
  /** Why the previous attempt failed. */
  error?: string;
}

/**
 * One call for all of them, and a second look only at those with an error to
 * tell. The query that asks runs again whenever an answer changes.
 */
export async function progressOf(
  ctx: QueryCtx,
  workIds: WorkId[],
): Promise<Map<WorkId, Progress>> {
  const statuses = await pool.statusBatch(ctx, workIds);
  const progress = await Promise.all(
    statuses.map(async (status, i): Promise<[WorkId, Progress]> => {
      const workId = workIds[i]!;
      if (status.state === "finished") {
        // Its outcome is on the way to `settle`.
        return [workId, { phase: "running" }];
      }
      const { state, previousAttempts } = status;
      if (previousAttempts === 0) {
        return [workId, { phase: state === "pending" ? "queued" : "running" }];
      }
      const work = await pool.get(ctx, workId);
      const phase = state === "pending" ? "retrying" : "running";
      return [workId, { phase, error: work?.lastError }];
    }),
  );
  return new Map(progress);
}
