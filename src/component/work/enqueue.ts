/** Putting work into the queue: checks, rows, wake-up, in that order. */
import { type Infer, v } from "convex/values";
import type { Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import {
  checkSettings,
  declare,
  type Declaration,
} from "../queue/configRow.js";
import { enqueueNew } from "../queue/entries.js";
import { createLogger, recordEnqueued } from "../logging.js";
import { storeValue } from "./payload.js";
import {
  INLINE_LIMIT_BYTES,
  isLong,
  type StatusTtlByKind,
  vFnType,
  vLate,
  vResultKind,
  vOnTimeout,
  vRetryPolicy,
} from "../shared.js";
import {
  checkArgs,
  checkContext,
  checkHandle,
  checkName,
  resolveStatusTtl,
} from "../validate.js";
import {
  checkExpireAt,
  checkHeartbeatTimeoutMs,
  checkRetryBehavior,
  checkRunAt,
  checkTimeoutMs,
} from "../validateTime.js";
import { wakeForWork } from "../queue/wake.js";
import { checkTags } from "../identity.js";
import { addTags } from "./tags.js";
import { checkLate } from "./late.js";

/** One work, as callers describe it. */
export const vItem = v.object({
  fnHandle: v.string(),
  fnName: v.string(),
  fnArgs: v.any(),
  fnType: vFnType,
  runAt: v.number(),
  onComplete: v.optional(
    v.object({
      fnHandle: v.string(),
      context: v.optional(v.any()),
      excludeKinds: v.optional(v.array(vResultKind)),
    }),
  ),
  /** A handle of what is told if it fails. */
  onFailed: v.optional(v.string()),
  retryBehavior: v.optional(vRetryPolicy),
  /** How long it takes at most. */
  timeoutMs: v.optional(v.number()),
  /** What becomes of its slot when an attempt takes longer. */
  onTimeout: v.optional(vOnTimeout),
  /** For how long an attempt may say nothing, once it has beaten. */
  heartbeatTimeoutMs: v.optional(v.number()),
  /** Not started by then, it never starts. */
  expireAt: v.optional(v.number()),
  statusTtl: v.optional(
    v.union(
      v.number(),
      v.object({
        success: v.optional(v.number()),
        failed: v.optional(v.number()),
        canceled: v.optional(v.number()),
      }),
    ),
  ),
  tags: v.optional(v.array(v.string())),
  /** Arguments that are filled in when it begins; they are not among `fnArgs`. */
  late: v.optional(vLate),
});
export type Item = Infer<typeof vItem>;

/** An item that was checked, with what the checks found out. */
export type Checked = {
  /** Its place in the call, where its id belongs in the answer. */
  position: number;
  item: Item;
  /** Of the arguments, and of all that the work carries: see `workBytes`. */
  argsSize: number;
  bytes: number;
  dueAt: number | null;
  /** Needs an executor opened for such works. */
  long: boolean;
  startBy: number | undefined;
  statusTtl: StatusTtlByKind | undefined;
};

/**
 * Enqueues all of `items` or, when one of them is refused, none. The ids are in their order.
 *
 * @param uniqueKey - Of the only item, if it has one.
 */
export async function enqueueItems(
  ctx: MutationCtx,
  config: Declaration,
  items: readonly Item[],
  uniqueKey?: string,
): Promise<Id<"work">[]> {
  const now = Date.now();
  checkSettings(config);
  const checked = items.map((item, position) =>
    checkItem(item, position, items.length, now),
  );

  const { logLevel, maxParallelism } = await declare(ctx, config);
  const ids: Id<"work">[] = [];
  if (checked.length === 0) return ids;
  const expires = checked.some(({ startBy }) => startBy !== undefined);
  const wakeUp = await wakeForWork(
    ctx,
    Math.min(...checked.map(({ dueAt }) => dueAt ?? now)),
    expires && maxParallelism === 0,
  );
  await enqueueNew(ctx, checked, wakeUp, async (member, entryId) => {
    const workId = await insertWork(ctx, member, entryId, uniqueKey);
    ids[member.position] = workId;
    return workId;
  });

  const console = createLogger(logLevel);
  for (const { position, item } of checked) {
    recordEnqueued(console, {
      workId: ids[position]!,
      fnName: item.fnName,
      runAt: item.runAt,
      enqueuedAt: now,
    });
  }
  console.end();
  return ids;
}

export function checkItem(
  item: Item,
  position: number,
  count: number,
  now: number,
): Checked {
  try {
    checkHandle("fnHandle", item.fnHandle);
    checkName(item.fnName);
    checkRunAt(item.runAt, now);
    if (item.retryBehavior !== undefined) {
      checkRetryBehavior(item.retryBehavior);
    }
    if (item.timeoutMs !== undefined) {
      checkTimeoutMs(item.timeoutMs);
    }
    if (item.heartbeatTimeoutMs !== undefined) {
      checkHeartbeatTimeoutMs(item.heartbeatTimeoutMs);
    }
    if (item.expireAt !== undefined) {
      checkExpireAt(item.expireAt, item.runAt, now);
    }
    let contextSize = 0;
    if (item.onComplete !== undefined) {
      checkHandle("onComplete.fnHandle", item.onComplete.fnHandle);
      contextSize = checkContext(item.fnName, item.onComplete.context);
    }
    if (item.onFailed !== undefined) {
      checkHandle("onFailed", item.onFailed);
    }
    const argsSize =
      checkArgs(item.fnName, item.fnArgs) +
      (item.late === undefined ? 0 : checkLate(item.late, item.fnArgs));
    if (item.tags !== undefined) checkTags(item.tags);
    return {
      position,
      item,
      argsSize,
      bytes: argsSize + (contextSize < INLINE_LIMIT_BYTES ? 0 : contextSize),
      dueAt: item.runAt <= now ? null : item.runAt,
      long: isLong(item.timeoutMs),
      startBy: item.expireAt,
      statusTtl:
        item.statusTtl === undefined
          ? undefined
          : resolveStatusTtl(item.statusTtl),
    };
  } catch (error) {
    if (count === 1) {
      throw error;
    }
    throw new Error(
      `Item ${position + 1} of the batch of ${count}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

export async function insertWork(
  ctx: MutationCtx,
  checked: Checked,
  entryId: Id<"pendingStart"> | undefined,
  uniqueKey?: string,
): Promise<Id<"work">> {
  const workId = await ctx.db.insert("work", {
    ...(await workFields(ctx, checked)),
    entryId,
    ...(uniqueKey === undefined ? {} : { uniqueKey }),
  });
  if (checked.item.tags) await addTags(ctx, workId, checked.item);
  return workId;
}

/** What the caller says of a work. All of it: a work that is replaced keeps nothing of what it was. */
export async function workFields(
  ctx: MutationCtx,
  { item, argsSize, bytes, statusTtl }: Checked,
) {
  const args = await storeValue(ctx, item.fnArgs, argsSize);
  return {
    fnType: item.fnType,
    fnHandle: item.fnHandle,
    fnName: item.fnName,
    fnArgs: args.payloadId === undefined ? args.value : undefined,
    argsId: args.payloadId,
    argsSize,
    retryBehavior: item.retryBehavior,
    timeoutMs: item.timeoutMs,
    onTimeout: item.onTimeout,
    heartbeatTimeoutMs: item.heartbeatTimeoutMs,
    expireAt: item.expireAt,
    onComplete:
      item.onComplete &&
      (await storeCallback(ctx, item.onComplete, bytes - argsSize)),
    onFailed: item.onFailed,
    statusTtl,
    runAt: item.runAt,
    tags: item.tags?.length ? item.tags : undefined,
    late: item.late,
  };
}

async function storeCallback(
  ctx: MutationCtx,
  { fnHandle, context, excludeKinds }: NonNullable<Item["onComplete"]>,
  contextSize: number,
) {
  const { value, payloadId } = await storeValue(ctx, context);
  return {
    fnHandle,
    context: value,
    contextId: payloadId,
    ...(contextSize > 0 ? { contextSize } : {}),
    excludeKinds,
  };
}
