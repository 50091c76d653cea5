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
  checkRetryBehavior,
  checkRunAt,
  checkTimeoutMs,
} from "../validateTime.js";
import { wakeForWork } from "../queue/wake.js";

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
  retryBehavior: v.optional(vRetryPolicy),
  /** How long it takes at most. */
  timeoutMs: v.optional(v.number()),
  /** What becomes of its slot when an attempt takes longer. */
  onTimeout: v.optional(vOnTimeout),
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
});
export type Item = Infer<typeof vItem>;

/** An item that was checked, with what the checks found out. */
type Checked = {
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

/** Enqueues all of `items` or, when one of them is refused, none. The ids are in their order. */
export async function enqueueItems(
  ctx: MutationCtx,
  config: Declaration,
  items: readonly Item[],
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
    const workId = await insertWork(ctx, member, entryId);
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

function checkItem(
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
    if (item.expireAt !== undefined) {
      checkExpireAt(item.expireAt, item.runAt, now);
    }
    let contextSize = 0;
    if (item.onComplete !== undefined) {
      checkHandle("onComplete.fnHandle", item.onComplete.fnHandle);
      contextSize = checkContext(item.fnName, item.onComplete.context);
    }
    const argsSize = checkArgs(item.fnName, item.fnArgs);
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

async function insertWork(
  ctx: MutationCtx,
  { item, argsSize, bytes, statusTtl }: Checked,
  entryId: Id<"pendingStart"> | undefined,
): Promise<Id<"work">> {
  const args = await storeValue(ctx, item.fnArgs, argsSize);
  return await ctx.db.insert("work", {
    fnType: item.fnType,
    fnHandle: item.fnHandle,
    fnName: item.fnName,
    ...(args.payloadId === undefined
      ? { fnArgs: args.value }
      : { argsId: args.payloadId }),
    argsSize,
    retryBehavior: item.retryBehavior,
    timeoutMs: item.timeoutMs,
    onTimeout: item.onTimeout,
    expireAt: item.expireAt,
    onComplete:
      item.onComplete &&
      (await storeCallback(ctx, item.onComplete, bytes - argsSize)),
    statusTtl,
    runAt: item.runAt,
    entryId,
  });
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
