/**
 * Applying what an executor reports. Every result is checked against the fence
 * of its work: one that comes late or twice changes nothing.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { retryBackoffMs } from "../backoff.js";
import { firstDue, requeue } from "../entries.js";
import { type Logger, recordCompleted } from "../logging.js";
import { endWork } from "../outcome.js";
import { SECOND } from "../shared.js";
import type { AttemptResult } from "./protocol.js";

/** How long work waits that the platform refused to start: overload passes, but not at once. */
const NOT_STARTED_DELAY_MS = 1 * SECOND;

export type Tally = Doc<"executorStats">["tally"];

export const NOTHING: Tally = {
  succeeded: 0,
  failed: 0,
  retries: 0,
  canceled: 0,
};

export function addTally(a: Tally, b: Tally, sign: 1 | -1 = 1): Tally {
  return {
    succeeded: a.succeeded + sign * b.succeeded,
    failed: a.failed + sign * b.failed,
    retries: a.retries + sign * b.retries,
    canceled: a.canceled + sign * b.canceled,
  };
}

/** What becomes of a work whose attempt ended. Pure. */
export function decideAfterAttempt(
  work: Pick<Doc<"work">, "attempts" | "canceled" | "retryBehavior">,
  outcome: { kind: "failed"; error: string; retryable: boolean },
  random: number,
):
  | { kind: "retry"; delayMs: number }
  | {
      kind: "end";
      result: { kind: "failed"; error: string } | { kind: "canceled" };
    } {
  const ended = (work.attempts ?? 0) + 1;
  const retry =
    outcome.retryable &&
    work.retryBehavior !== undefined &&
    ended < work.retryBehavior.maxAttempts;
  if (!retry) {
    return { kind: "end", result: { kind: "failed", error: outcome.error } };
  }
  // Canceled while it ran: it would have been retried, so it ends here instead.
  if (work.canceled) return { kind: "end", result: { kind: "canceled" } };
  return {
    kind: "retry",
    delayMs: retryBackoffMs(work.retryBehavior!, ended, random),
  };
}

/**
 * Ends or re-queues the works in `results`, in order. Callbacks run here when
 * `inlineCallbacks`, one after the other, each in a nested transaction; since
 * they may touch any work of the pool, each work is read after the ones before
 * it are done.
 *
 * @returns what happened, and when the earliest retry is due.
 */
export async function applyResults(
  ctx: MutationCtx,
  console: Logger,
  results: AttemptResult[],
  inlineCallbacks: boolean,
): Promise<{ tally: Tally; earliestRetryAt: number | null }> {
  const tally: Tally = { ...NOTHING };
  const back: Parameters<typeof requeue>[1] = [];
  const count = (kind: "success" | "failed" | "canceled"): void => {
    if (kind === "success") tally.succeeded += 1;
    else tally[kind] += 1;
  };

  for (const { workId, fence, startedAt, outcome } of results) {
    if (outcome.kind === "recorded") {
      if (outcome.result !== "superseded") count(outcome.result);
      continue;
    }
    const work = await ctx.db.get("work", workId);
    if (!work || (work.fence ?? 0) !== fence) {
      console.debug(`[report] late result of work ${workId} ignored`);
      continue;
    }
    if (outcome.kind === "returned" || outcome.kind === "notStarted") {
      if (work.canceled) {
        await endWork(ctx, console, work, { kind: "canceled" });
        count("canceled");
        continue;
      }
      if (outcome.kind === "returned") {
        const long = outcome.tooOld === true;
        back.push({ work, dueAt: firstDue(work), patch: {}, long });
        continue;
      }
      console.each(
        "warn",
        `[report] ${work.fnName} (work ${workId}) was not started and waits again: ${outcome.error.trim()}`,
      );
      const dueAt = Date.now() + NOT_STARTED_DELAY_MS * (1 + Math.random());
      back.push({ work, dueAt, patch: {} });
      continue;
    }
    if (outcome.kind === "success") {
      work.attempts = (work.attempts ?? 0) + 1;
      await endWork(ctx, console, work, outcome, {
        startedAt,
        inlineCallback: inlineCallbacks,
      });
      count("success");
      continue;
    }
    const decision = decideAfterAttempt(work, outcome, Math.random());
    const attempts = (work.attempts ?? 0) + 1;
    const failed = `[report] ${work.fnName} (work ${workId}) failed in attempt ${attempts}`;
    if (decision.kind === "end") {
      console.each("error", `${failed}: ${outcome.error.trim()}`);
      await endWork(
        ctx,
        console,
        { ...work, attempts, lastError: outcome.error },
        decision.result,
        { startedAt, inlineCallback: inlineCallbacks },
      );
      count(decision.result.kind);
      continue;
    }
    tally.retries += 1;
    console.each(
      "warn",
      `${failed} and will be retried: ${outcome.error.trim()}`,
    );
    back.push({
      work,
      dueAt: Date.now() + decision.delayMs,
      patch: {
        attempts,
        lastError: outcome.error,
        // It has ended by itself, so it takes no neighbours with it.
        ...(work.isolate ? { isolate: false } : {}),
      },
    });
    recordCompleted(console, {
      workId,
      fnName: work.fnName,
      completedAt: Date.now(),
      onCompleteScheduledFunctionId: undefined,
      attempts,
      status: "retrying",
    });
  }

  // A callback in this very report may have canceled what waits to go back.
  const waiting: typeof back = [];
  for (const item of back) {
    const work = await ctx.db.get("work", item.work._id);
    if (work?.canceled) {
      await endWork(
        ctx,
        console,
        { ...work, ...item.patch },
        { kind: "canceled" },
      );
      count("canceled");
    } else if (work) {
      waiting.push({ ...item, work });
    }
  }
  await requeue(ctx, waiting);
  const dueTimes = waiting.map(({ dueAt }) => dueAt ?? Date.now());
  return {
    tally,
    earliestRetryAt: dueTimes.length > 0 ? Math.min(...dueTimes) : null,
  };
}
