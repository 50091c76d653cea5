/**
 * The end of a work that somebody else brings than its handler: a provider's webhook, for a work
 * that is suspended (`next.ts`). It may come earlier than expected, so it ends a work in any state:
 *
 * | the work                      | what follows                                                         |
 * | ----------------------------- | -------------------------------------------------------------------- |
 * | is suspended, or waits else   | It leaves the queue, and ends.                                       |
 * | is with a worker              | It ends now. Its handler is fenced, and holds its slot until it ends. |
 * | has ended                     | Nothing.                                                             |
 */
import { type Infer, v } from "convex/values";
import type { MutationCtx } from "../_generated/server.js";
import type { Logger } from "../logging.js";
import { EntryRemoval } from "../queue/entries.js";
import { wakeForChange } from "../queue/wake.js";
import type { RunResult } from "../shared.js";
import { outcomeOf } from "./kept.js";
import { liveWork } from "./live.js";
import { endWork } from "./outcome.js";

export const vConcludeAnswer = v.union(
  /** It has ended with this. */
  v.literal("completed"),
  /** It had ended before. */
  v.literal("ended"),
  /** There never was such a work, or it has ended and its outcome is not kept. */
  v.literal("unknown"),
);
export type ConcludeAnswer = Infer<typeof vConcludeAnswer>;

/** Any string will do for `id`. */
export async function conclude(
  ctx: MutationCtx,
  console: Logger,
  id: string,
  result: RunResult,
): Promise<ConcludeAnswer> {
  const workId = ctx.db.normalizeId("work", id);
  const work = workId && (await liveWork(ctx, workId));
  if (!work) {
    const outcome = workId && (await outcomeOf(ctx, workId));
    return outcome ? "ended" : "unknown";
  }
  const queue = new EntryRemoval(ctx);
  await queue.take(work);
  const ending =
    result.kind === "failed" ? { ...work, lastError: result.error } : work;
  await endWork(ctx, console, ending, result);
  await queue.write();
  await wakeForChange(ctx);
  return "completed";
}
