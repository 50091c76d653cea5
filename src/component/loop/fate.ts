/**
 * What became of an executor: what its scheduled function tells. Pure.
 *
 * | its state             | meaning                                                            |
 * | --------------------- | ------------------------------------------------------------------ |
 * | pending, inProgress   | alive, unless it has been quiet for longer than any action lives   |
 * | success, failed, gone | dead, unless its last report is in                                 |
 * | canceled              | may still be running: Convex does not interrupt it. It gets no more work; its lease stays until its last report, or until it has been quiet for long |
 */
import type { Doc } from "../_generated/dataModel.js";
import { means } from "../platformTexts.js";
import { MINUTE } from "../shared.js";

export type Fate =
  | { kind: "alive" }
  /** `byMemory`: one of its works may be the reason. */
  | { kind: "lost"; why: string; byMemory: boolean };

/**
 * No action runs longer than thirty minutes, and an executor reports every few
 * minutes. One that never did may have waited for its permit.
 */
const MAX_QUIET_MS = 31 * MINUTE;
const MAX_WAIT_FOR_PERMIT_MS = 60 * MINUTE;
/**
 * A canceled executor that was quiet for this long is not running any more. Not
 * having reported yet says nothing: it begins with works in hand.
 */
const CANCELED_GRACE_MS = 10 * MINUTE;

export type Job = {
  state:
    | { kind: "pending" | "inProgress" | "success" | "canceled" }
    | { kind: "failed"; error: string };
};

export function fateOf(
  job: Job | null,
  executor: Pick<Doc<"executor">, "startedAt">,
  stats: Pick<Doc<"executorStats">, "lastReportAt"> | null,
  now: number,
): Fate {
  // Zero: somebody else made the row, before its first report.
  const lastReportAt = stats?.lastReportAt || null;
  const quietMs = now - (lastReportAt ?? executor.startedAt);
  switch (job?.state.kind) {
    case "pending":
      return { kind: "alive" };
    case "inProgress": {
      const most =
        MAX_QUIET_MS + (lastReportAt === null ? MAX_WAIT_FOR_PERMIT_MS : 0);
      return quietMs > most
        ? lost("it was quiet for longer than an action may live")
        : { kind: "alive" };
    }
    case "canceled":
      return quietMs > CANCELED_GRACE_MS
        ? lost("its scheduled function was canceled")
        : { kind: "alive" };
    case "failed":
      // A restart, a time-out or a hiccup of the platform proves nothing against
      // the works that ran. Exhausted memory may be the doing of one of them.
      return lost(job.state.error, means(job.state.error, "outOfMemory"));
    case "success":
      return lost("it ended without a last report");
    case undefined:
      return lost("its scheduled function is gone");
  }
}

function lost(why: string, byMemory = false): Fate {
  return { kind: "lost", why, byMemory };
}
