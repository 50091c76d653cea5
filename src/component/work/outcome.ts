/**
 * The end of a work. Whoever ends it holds its row in the transaction, so there
 * is one outcome; the callback runs in that same transaction where possible,
 * and is otherwise owed by the `complete` row written in it.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { isAmple, userShare } from "./userShare.js";
import { scheduleCallback, type OwedCallback } from "./callback.js";
import { formatError } from "./errorText.js";
import { runUserMutation } from "./invoke.js";
import { type Logger, recordCompleted } from "../logging.js";
import { letFollow } from "./follow.js";
import { keepEnded, removeWork } from "./kept.js";
import { deletePayload, loadValue } from "./payload.js";
import { deleteNext } from "./next.js";
import { removeProgress } from "./progress.js";
import { storeResult } from "./result.js";
import { removeTags } from "./tags.js";
import { oweNotice } from "./notice.js";
import {
  DEFAULT_STATUS_TTL,
  type FailureNotice,
  type Reason,
  type RunResult,
} from "../shared.js";

/** What is told of an outcome beside its result. */
export type EndOptions = {
  /** When the last attempt began, if one did. */
  startedAt?: number;
  /** The callback runs here and now; else it is owed. */
  inlineCallback?: boolean;
  reason?: Reason | undefined;
  /** Of the `ConvexError` that it failed with. */
  errorData?: unknown;
};

/**
 * Ends `work` with `result`: removes its rows, runs or owes its callback, keeps
 * the outcome as long as its `statusTtl` says. The row of one that failed stays as
 * long as its outcome, since it may be tried again (`kept.ts`).
 *
 * @param work - With what its last attempt has changed: `attempts`, `lastError`, `history`.
 */
export async function endWork(
  ctx: MutationCtx,
  console: Logger,
  work: Doc<"work">,
  result: RunResult,
  options: EndOptions = {},
): Promise<void> {
  const now = Date.now();
  const ttl = (work.statusTtl ?? DEFAULT_STATUS_TTL)[result.kind];
  const isKept = result.kind === "failed" && ttl > 0;
  // Before any user code: a callback that asks for the status is told "finished".
  if (isKept) await keepEnded(ctx, work, now);
  else await removeWork(ctx, work);
  if (work.next) await deleteNext(ctx, work.next);
  if (work.late && work.fnType === "action") await removeProgress(ctx, work);
  if (work.followedBy) await letFollow(ctx, work);

  const insert = async (expiresAt: number | null) =>
    await ctx.db.insert("complete", {
      ...outcomeFields(work, options, isKept),
      ...(await storeResult(ctx, result)),
      finishedAt: now,
      ttl,
      expiresAt,
    });
  // Also before any user code: a callback that asks for the outcome is told.
  const kept = ttl > 0 ? await insert(now + ttl) : null;
  const callback = await settleCallback(
    ctx,
    console,
    work,
    result,
    isKept,
    options,
  );
  const scheduledId =
    callback === null
      ? undefined
      : await scheduleCallback(
          ctx,
          kept ?? (await insert(null)),
          callback,
          now,
        );
  if (result.kind === "failed" && work.onFailed !== undefined) {
    await oweNotice(
      ctx,
      work.onFailed,
      noticeOf(work, result, options, now),
      now,
    );
  }
  if (kept === null && callback === null) {
    await removeTags(ctx, work._id, work);
  }
  recordCompleted(console, {
    workId: work._id,
    fnName: work.fnName,
    completedAt: now,
    onCompleteScheduledFunctionId: scheduledId,
    attempts: work.attempts ?? 0,
    status: result.kind,
  });
}

function outcomeFields(
  work: Doc<"work">,
  { startedAt, reason, errorData }: EndOptions,
  isKept: boolean,
) {
  const { lastError, round, hops, history, tags, uniqueKey } = work;
  return {
    workId: work._id,
    fnType: work.fnType,
    fnName: work.fnName,
    attempts: work.attempts ?? 0,
    ...(lastError !== undefined ? { lastError } : {}),
    ...(reason !== undefined ? { reason } : {}),
    ...(errorData !== undefined ? { errorData } : {}),
    ...(round !== undefined ? { round } : {}),
    ...(hops !== undefined ? { hops } : {}),
    // One that is kept has its history itself.
    ...(history !== undefined && !isKept ? { history } : {}),
    ...(tags !== undefined ? { tags } : {}),
    ...(uniqueKey !== undefined ? { uniqueKey } : {}),
    enqueuedAt: work._creationTime,
    runAt: work.runAt,
    ...(startedAt !== undefined ? { startedAt } : {}),
  };
}

function noticeOf(
  work: Doc<"work">,
  { error }: { error: string },
  { reason, errorData }: EndOptions,
  now: number,
): FailureNotice {
  return {
    workId: work._id,
    fnName: work.fnName,
    error,
    ...(reason !== undefined ? { reason } : {}),
    ...(errorData !== undefined ? { errorData } : {}),
    attempts: work.attempts ?? 0,
    round: work.round ?? 0,
    enqueuedAt: work._creationTime,
    failedAt: now,
  };
}

/** Runs the callback, or says what is owed. Null: none is wanted, or it has run. */
async function settleCallback(
  ctx: MutationCtx,
  console: Logger,
  work: Doc<"work">,
  result: RunResult,
  isKept: boolean,
  options: EndOptions,
): Promise<OwedCallback | null> {
  const onComplete = work.onComplete;
  const isOver = async () => {
    if (!isKept) await deletePayload(ctx, onComplete?.contextId);
  };
  if (!onComplete || onComplete.excludeKinds?.includes(result.kind)) {
    await isOver();
    return null;
  }
  const { excludeKinds: _, contextSize: __, ...call } = onComplete;
  const owed = { ...call, state: "owed" as const, dueAt: Date.now() };
  if (!options.inlineCallback) return { ...owed, attempts: 0 };
  if (!isAmple(await userShare(ctx))) {
    console.debug(
      `[complete] onComplete of ${work.fnName} (work ${work._id}) gets a transaction of its own: too little of this one is left`,
    );
    return { ...owed, attempts: 0 };
  }
  try {
    await runUserMutation(ctx, {
      fnHandle: onComplete.fnHandle,
      fnName: `onComplete of ${work.fnName}`,
      fnArgs: {
        workId: work._id,
        context: await loadValue(ctx, {
          value: onComplete.context,
          payloadId: onComplete.contextId,
        }),
        result,
      },
    });
  } catch (error) {
    const lastError = formatError(error);
    console.each(
      "error",
      `[complete] onComplete of ${work.fnName} (work ${work._id}) failed and will be retried: ${lastError.trim()}`,
    );
    return { ...owed, attempts: 1, lastError };
  }
  await isOver();
  return null;
}
