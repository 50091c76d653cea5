/**
 * What is known about a work. Nearly everything here is point reads, because people
 * subscribe to it: a query re-runs when a row it read changes. Only of a work that an
 * executor was given does {@link workInfo} read more, to tell whether it has begun.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { hasBegun } from "./claims.js";
import { cleanError } from "./cleanError.js";
import { entryOf } from "../queue/entries.js";
import { progressOf } from "../work/progress.js";
import { loadResult } from "../work/result.js";
import type { Status } from "../shared.js";
import type { WorkInfo } from "./workInfo.js";
import { outcomeOf } from "../work/kept.js";
import { liveWork } from "../work/live.js";

const FINISHED: Status = { state: "finished" };

/** Any string will do for `id`: one that never named a work is "finished", as is one that is over. */
export async function workStatus(ctx: QueryCtx, id: string): Promise<Status> {
  const work = await findWork(ctx, id);
  return work ? statusOf(work, await entryOf(ctx, work)) : FINISHED;
}

/** As {@link workStatus} of each. Works that share an entry share its read. */
export async function workStatuses(
  ctx: QueryCtx,
  ids: readonly string[],
): Promise<Status[]> {
  const entries = new Map<
    Id<"pendingStart">,
    Promise<Doc<"pendingStart"> | null>
  >();
  const sharedEntryOf = async (work: Doc<"work">) => {
    if (work.entryId === undefined) {
      return await entryOf(ctx, work);
    }
    let entry = entries.get(work.entryId);
    if (entry === undefined) {
      entry = ctx.db.get("pendingStart", work.entryId);
      entries.set(work.entryId, entry);
    }
    return await entry;
  };
  return await Promise.all(
    ids.map(async (id) => {
      const work = await findWork(ctx, id);
      return work ? statusOf(work, await sharedEntryOf(work)) : FINISHED;
    }),
  );
}

function statusOf(
  work: Doc<"work">,
  entry: Doc<"pendingStart"> | null,
): Status {
  return {
    state:
      entry?.works.includes(work._id) || work.follows || work.suspended
        ? "pending"
        : "running",
    previousAttempts: work.attempts ?? 0,
  };
}

/** Null: there never was such a work, or its outcome is no longer kept. */
export async function workInfo(
  ctx: QueryCtx,
  id: string,
): Promise<WorkInfo | null> {
  const workId = ctx.db.normalizeId("work", id);
  if (workId === null) {
    return null;
  }
  const work = await ctx.db.get("work", workId);
  return work === null || work.endedAt !== undefined
    ? await finishedInfo(ctx, workId, work)
    : await unfinishedInfo(ctx, work);
}

async function unfinishedInfo(
  ctx: QueryCtx,
  work: Doc<"work">,
): Promise<WorkInfo> {
  const entry = await entryOf(ctx, work);
  return {
    workId: work._id,
    fnName: work.fnName,
    fnType: work.fnType,
    state: work.suspended
      ? "suspended"
      : entry || work.follows
        ? "pending"
        : (await hasBegun(ctx, work._id))
          ? "running"
          : "claimed",
    attempts: work.attempts ?? 0,
    ...(work.canceled && { canceled: true as const }),
    enqueuedAt: work._creationTime,
    runAt: work.runAt,
    ...(entry && { dueAt: entry.dueAt }),
    ...defined("lastError", work.lastError),
    ...defined("error", work.lastError && cleanError(work.lastError)),
    ...defined("round", work.round),
    ...defined("hops", work.hops),
    ...defined("history", work.history),
    ...defined("tags", work.tags),
    ...defined("uniqueKey", work.uniqueKey),
    ...defined("progress", work.late && (await progressOf(ctx, work))),
  };
}

/** @param kept - Its row, if that is kept: one that has failed. */
async function finishedInfo(
  ctx: QueryCtx,
  workId: Id<"work">,
  kept: Doc<"work"> | null,
): Promise<WorkInfo | null> {
  const row = await outcomeOf(ctx, workId);
  if (row === null) {
    return null;
  }
  return {
    workId,
    fnName: row.fnName,
    fnType: row.fnType,
    state: "finished",
    attempts: row.attempts,
    enqueuedAt: row.enqueuedAt,
    runAt: row.runAt,
    ...defined("startedAt", row.startedAt),
    finishedAt: row.finishedAt,
    ...defined("lastError", row.lastError),
    ...defined("error", row.lastError && cleanError(row.lastError)),
    ...defined("errorData", row.errorData),
    ...defined("reason", row.reason),
    ...defined("round", row.round),
    ...defined("hops", row.hops),
    ...defined("history", row.history ?? kept?.history),
    ...defined("tags", row.tags),
    ...defined("uniqueKey", row.uniqueKey),
    result: await loadResult(ctx, row),
    ...(row.callback && {
      callback: {
        state: row.callback.state,
        attempts: row.callback.attempts,
        ...defined("lastError", row.callback.lastError),
      },
    }),
  };
}

async function findWork(
  ctx: QueryCtx,
  id: string,
): Promise<Doc<"work"> | null> {
  const workId = ctx.db.normalizeId("work", id);
  return workId === null ? null : await liveWork(ctx, workId);
}

/** A property that is left out rather than set to undefined. */
function defined<K extends string, T>(
  key: K,
  value: T | undefined,
): { [P in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: T });
}
