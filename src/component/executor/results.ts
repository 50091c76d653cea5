/**
 * Applying what an executor reports. Every result is checked against the fence
 * of its work: one that comes late or twice changes nothing.
 */
import type { MutationCtx } from "../_generated/server.js";
import type { Logger } from "../logging.js";
import { Settler } from "../work/settler.js";
import type { Tally } from "../tally.js";
import type { AttemptResult } from "./protocol.js";
import { liveWork } from "../work/live.js";

/**
 * Settles the works in `results`, in order. Callbacks run here when
 * `inlineCallbacks`, one after the other, each in a nested transaction; since
 * they may touch any work of the pool, each work is read after the ones before
 * it are done.
 *
 * @returns what happened, when the earliest of what went back is due, and whether callbacks may have run.
 */
export async function applyResults(
  ctx: MutationCtx,
  console: Logger,
  results: AttemptResult[],
  inlineCallbacks: boolean,
): Promise<{
  tally: Tally;
  earliestRetryAt: number | null;
  ranUserCode: boolean;
}> {
  const settler = new Settler(ctx, console, { inlineCallbacks });
  let ranUserCode = false;
  for (const { workId, fence, startedAt, outcome } of results) {
    if (outcome.kind === "recorded") {
      const { result } = outcome;
      const hasEnded = result !== "superseded" && result !== "postponed";
      if (hasEnded) settler.countEnd(result);
      continue;
    }
    // It says something of its slot, and nothing of its work.
    if (outcome.kind === "over") continue;
    const work = await liveWork(ctx, workId);
    if (!work || (work.fence ?? 0) !== fence) {
      console.debug(`[report] late result of work ${workId} ignored`);
      continue;
    }
    const hasBegun = outcome.kind === "success" || outcome.kind === "failed";
    await settler.settle(work, outcome, hasBegun ? startedAt : undefined);
    ranUserCode ||= inlineCallbacks && work.onComplete !== undefined;
  }
  const earliestRetryAt = await settler.putBack();
  return { tally: settler.tally, earliestRetryAt, ranUserCode };
}
