/**
 * Executors that died. The guard looks at the scheduled function behind each:
 *
 * | its state             | meaning                                                            |
 * | --------------------- | ------------------------------------------------------------------ |
 * | pending, inProgress   | alive (unless it is older than any action may get)                 |
 * | success, failed, gone | dead, unless its last report is in                                 |
 * | canceled              | may still be running: Convex does not interrupt it. It gets no more work; its lease stays until its last report, or until it has been quiet for long |
 *
 * What a dead executor had goes on by policy: what was never delivered returns
 * free of charge; mutations and queries run again (their fence makes them
 * exactly once); for an action the attempt has failed.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { requeue, type Requeued } from "../entries.js";
import { addTally, decideAfterAttempt } from "../executor/results.js";
import { type Logger, recordCompleted } from "../logging.js";
import { endWork } from "../outcome.js";
import { MINUTE } from "../shared.js";
import { forget, returnToQueue, takeBack } from "./executors.js";
import { livingExecutors, type View } from "./look.js";

type State = Doc<"loopState">;
type Fate = { kind: "alive" } | { kind: "lost"; why: string; isolate: boolean };

/** No action runs longer than thirty minutes. */
const MAX_ACTION_MS = 31 * MINUTE;
/**
 * A canceled executor that was quiet for this long is not running any more. Not
 * having reported yet says nothing: it begins with works in hand.
 */
const CANCELED_GRACE_MS = 10 * MINUTE;
/** How many works one tick recovers: each is read and written. */
const MAX_WORKS = 200;

/** Pure: what the scheduled function behind an executor tells. */
export function fateOf(
  job: Pick<Doc_ScheduledFunction, "state"> | null,
  executor: Pick<Doc<"executor">, "startedAt">,
  stats: Pick<Doc<"executorStats">, "lastReportAt"> | null,
  now: number,
): Fate {
  switch (job?.state.kind) {
    case "pending":
      return { kind: "alive" };
    case "inProgress":
      return now - executor.startedAt > MAX_ACTION_MS
        ? lost("it is older than an action may get")
        : { kind: "alive" };
    case "canceled": {
      const quietSince = stats?.lastReportAt ?? executor.startedAt;
      return now - quietSince > CANCELED_GRACE_MS
        ? lost("its scheduled function was canceled")
        : { kind: "alive" };
    }
    case "failed":
      return {
        ...lost(job.state.error),
        // A deployment that restarts takes everything down and proves nothing
        // against the works that ran; anything else may be one of them.
        isolate: !/transient error/i.test(job.state.error),
      };
    case "success":
      return lost("it ended without a last report");
    case undefined:
      return lost("its scheduled function is gone");
  }
}

type Doc_ScheduledFunction = {
  state:
    | { kind: "pending" | "inProgress" | "success" | "canceled" }
    | { kind: "failed"; error: string };
};

function lost(why: string): Extract<Fate, { kind: "lost" }> {
  return { kind: "lost", why, isolate: false };
}

/** @returns how many works went back to the queue, and whether more wait to be recovered. */
export async function recoverLostExecutors(
  ctx: MutationCtx,
  console: Logger,
  now: number,
  view: View,
  state: State,
): Promise<{ requeued: number; unfinished: boolean }> {
  let requeued = 0;
  for (const executor of livingExecutors(view)) {
    const job =
      executor.scheduledId &&
      (await ctx.db.system.get("_scheduled_functions", executor.scheduledId));
    const seen = view.stats.find(
      ({ executorId }) => executorId === executor._id,
    );
    if (job?.state.kind === "canceled") {
      // First, or it would be handed again what is taken back.
      await close(ctx, executor);
      const back = await takeBack(ctx, console, state, executor._id);
      requeued += back.requeued;
      if (back.unfinished) return { requeued, unfinished: true };
    }
    const fate = fateOf(job ?? null, executor, seen ?? null, now);
    if (fate.kind === "alive") continue;
    // Its statistics with dependencies: it may be reporting after all.
    const stats = await ctx.db
      .query("executorStats")
      .withIndex("by_executor", (q) => q.eq("executorId", executor._id))
      .unique();
    console.error(
      `[recovery] executor ${executor._id} is lost (${fate.why}); its work goes on`,
    );
    const result = await recoverExecutor(ctx, console, executor, stats, fate);
    requeued += result.requeued;
    if (result.unfinished) {
      // Half of what it has is gone: should it report after all, it must not.
      await close(ctx, executor);
      await ctx.db.patch("executor", executor._id, {
        incarnation: executor.incarnation + 1,
      });
      return { requeued, unfinished: true };
    }
    if (stats) {
      state.totals = addTally(state.totals, stats.tally);
      await ctx.db.delete("executorStats", stats._id);
    }
    await ctx.db.delete("executor", executor._id);
    forget(view, state, executor._id);
  }
  return { requeued, unfinished: false };
}

/** It gets no more work, from this turn on. */
async function close(
  ctx: MutationCtx,
  executor: Doc<"executor">,
): Promise<void> {
  if (executor.closing) return;
  executor.closing = true;
  await ctx.db.patch("executor", executor._id, { closing: true });
}

async function recoverExecutor(
  ctx: MutationCtx,
  console: Logger,
  executor: Doc<"executor">,
  stats: Doc<"executorStats"> | null,
  fate: Extract<Fate, { kind: "lost" }>,
): Promise<{ requeued: number; unfinished: boolean }> {
  const first = executor.first.map((workId, index) => ({
    workId,
    position: executor.firstPosition + index,
  }));
  const open = new Set(
    stats?.open.flatMap(({ left }) => left) ??
      first.map(({ position }) => position),
  );
  const rows = ctx.db
    .query("running")
    .withIndex("by_executor", (q) => q.eq("executorId", executor._id));
  let works = 0;
  let requeued = 0;
  const cursor = stats?.cursor ?? executor.firstPosition + first.length;
  for await (const row of rows) {
    if (works + row.works.length > MAX_WORKS && works > 0) {
      return { requeued, unfinished: true };
    }
    works += row.works.length;
    await ctx.db.delete("running", row._id);
    if (row.first >= cursor) {
      requeued += await returnToQueue(ctx, console, row.works);
      continue;
    }
    const members = row.works.filter((_, index) => open.has(row.first + index));
    requeued += await goOn(ctx, console, members, fate);
  }
  const members = first.filter(({ position }) => open.has(position));
  requeued += await goOn(
    ctx,
    console,
    members.map(({ workId }) => workId),
    fate,
  );
  return { requeued, unfinished: false };
}

/** Works that were delivered to a dead executor, and had not ended. */
async function goOn(
  ctx: MutationCtx,
  console: Logger,
  workIds: readonly Id<"work">[],
  { why, isolate }: Extract<Fate, { kind: "lost" }>,
): Promise<number> {
  const back: Requeued[] = [];
  const error = `The worker that ran this attempt was lost: ${why}`;
  const apart = isolate ? { isolate } : {};
  for (const workId of workIds) {
    const work = await ctx.db.get("work", workId);
    if (!work) continue;
    if (work.fnType !== "action") {
      if (work.canceled) {
        await endWork(ctx, console, work, { kind: "canceled" });
      } else {
        back.push({ work, dueAt: null, patch: { lastError: error, ...apart } });
      }
      continue;
    }
    const attempts = (work.attempts ?? 0) + 1;
    const decision = decideAfterAttempt(
      work,
      { kind: "failed", error, retryable: true },
      Math.random(),
    );
    if (decision.kind === "end") {
      await endWork(
        ctx,
        console,
        { ...work, attempts, lastError: error },
        decision.result,
      );
      continue;
    }
    back.push({
      work,
      dueAt: Date.now() + decision.delayMs,
      patch: { attempts, lastError: error, ...apart },
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
  await requeue(ctx, back);
  return back.length;
}
