/**
 * Another round of works that have failed: the same work under the same id, with its
 * arguments and its context, goes back to the queue. Its outcome goes; its history stays.
 *
 * | the outcome                                  | what follows                       |
 * | -------------------------------------------- | ---------------------------------- |
 * | failed, its work is kept                     | The next round.                    |
 * | its callback is still owed                   | It is left alone: the app has not been told yet. |
 * | its unique key was taken meanwhile           | It is left alone.                  |
 * | succeeded or canceled, or not kept           | It is left alone.                  |
 *
 * The fence grows, so what may still run of the round before ends nothing.
 */
import { getConvexSize, type Value } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import type { Logger } from "../logging.js";
import type { Requeued } from "../queue/entries.js";
import type { RetryOptions } from "./filter.js";
import { keptWork } from "./kept.js";
import { requeueAwake } from "./requeueAwake.js";
import { takeKeyAgain } from "./unique.js";

/** The row of a work whose arguments and context are inline. */
const MOST_INLINE_BYTES = 20_000;

export const STILL_OWED =
  "Its onComplete callback is still owed: the app has not been told of this outcome yet. See retryCallbacks.";

export const KEY_IS_TAKEN =
  "Its unique key is another work's by now, which has not ended.";

/** Begins rounds one by one; what they share is written at the end. */
export class Rounds {
  private readonly back: Requeued[] = [];

  constructor(
    private readonly ctx: MutationCtx,
    private readonly console: Logger,
    private readonly options: RetryOptions,
  ) {}

  bytes(row: Doc<"complete">): number {
    return 2 * getConvexSize(row as Value) + 2 * MOST_INLINE_BYTES;
  }

  async handle(row: Doc<"complete">): Promise<string | null> {
    if (row.result.kind !== "failed") {
      return `It has not failed: it ended as ${row.result.kind}.`;
    }
    if (row.callback?.state === "owed") return STILL_OWED;
    const work = await keptWork(this.ctx, row.workId);
    if (work === null) {
      return "Its arguments are not kept: it failed with a statusTtl of 0, or before this version of the pool.";
    }
    const { uniqueKey } = work;
    // The rows of the others of this page say only at its end that they go on.
    const isTaken =
      uniqueKey !== undefined &&
      this.back.some((other) => other.work.uniqueKey === uniqueKey);
    if (isTaken || !(await takeKeyAgain(this.ctx, work))) return KEY_IS_TAKEN;
    // The context belongs to the work, which goes on.
    await this.ctx.db.delete("complete", row._id);
    this.begin(work);
    return null;
  }

  private begin(work: Doc<"work">): void {
    const { delayMs = 0, spreadMs = 0, resetAttempts = true } = this.options;
    const now = Date.now();
    const dueAt = Math.ceil(now + delayMs + spreadMs * Math.random());
    this.back.push({
      work,
      dueAt: dueAt <= now ? null : dueAt,
      patch: {
        endedAt: undefined,
        round: (work.round ?? 0) + 1,
        backAt: now,
        // Whoever has it tried again wants it to begin.
        expireAt: undefined,
        // Where it goes back to, should an attempt not begin.
        runAt: dueAt,
        postponed: undefined,
        hops: undefined,
        ...(resetAttempts ? { attempts: undefined } : {}),
      },
    });
  }

  async finish(): Promise<void> {
    if (this.back.length === 0) return;
    await requeueAwake(this.ctx, this.back);
    this.console.debug(`[retry] ${this.back.length} works begin another round`);
  }
}
