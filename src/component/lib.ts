/**
 * What apps call about works, by themselves or through the client: thin entry points. All that
 * this imports is evaluated with every enqueue, so what is called seldom is in `pool.ts`.
 */
import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import {
  cancelOne,
  cancelPage,
  DEFAULT_CANCEL_LIMIT,
  everythingSoFar,
  vCancelAnswer,
} from "./work/cancel.js";
import { stopRetries } from "./work/stopRetries.js";
import { effectiveConfig, vDeclaration } from "./queue/configRow.js";
import { enqueueItems, vItem } from "./work/enqueue.js";
import { createLogger, logLevel } from "./logging.js";
import { vStatus } from "./shared.js";
import { workInfo, workStatus, workStatuses } from "./observe/status.js";
import {
  checkCancelBefore,
  checkCancelLimit,
  checkStatusBatch,
} from "./validate.js";
import { vWorkInfo } from "./observe/workInfo.js";

export const enqueue = mutation({
  args: { ...vItem.fields, config: vDeclaration },
  returns: v.id("work"),
  handler: async (ctx, { config, ...item }) => {
    const [id] = await enqueueItems(ctx, config, [item]);
    return id!;
  },
});

/** All of the items, or, when one of them is refused, none. */
export const enqueueBatch = mutation({
  args: { items: v.array(vItem), config: vDeclaration },
  returns: v.array(v.id("work")),
  handler: async (ctx, { config, items }) =>
    await enqueueItems(ctx, config, items),
});

/** Accepted so that callers need not change; what is logged is for the settings in force to say. */
const ignoredLogLevel = { logLevel: v.optional(logLevel) };

export const cancel = mutation({
  args: {
    id: v.string(),
    /** What a worker has ends here, too, and not when its handler does. */
    running: v.optional(v.literal("abandon")),
    ...ignoredLogLevel,
  },
  returns: vCancelAnswer,
  handler: async (ctx, { id, running }) => {
    const { logLevel } = await effectiveConfig(ctx);
    const abandons = running === "abandon";
    return await cancelOne(ctx, createLogger(logLevel), id, abandons);
  },
});

/** What was enqueued after `before` (default: now) is left alone. */
export const cancelAll = mutation({
  args: {
    before: v.optional(v.number()),
    limit: v.optional(v.number()),
    ...ignoredLogLevel,
  },
  returns: v.null(),
  handler: async (
    ctx,
    { before = everythingSoFar(Date.now()), limit = DEFAULT_CANCEL_LIMIT },
  ): Promise<null> => {
    checkCancelBefore(before);
    checkCancelLimit(limit);
    const { logLevel } = await effectiveConfig(ctx);
    const hasStopped = await stopRetries(ctx);
    const page = { from: { creationTime: before }, limit };
    await cancelPage(ctx, createLogger(logLevel), page, hasStopped);
    return null;
  },
});

export const status = query({
  args: { id: v.string() },
  returns: vStatus,
  handler: async (ctx, { id }) => await workStatus(ctx, id),
});

export const statusBatch = query({
  args: { ids: v.array(v.string()) },
  returns: v.array(vStatus),
  handler: async (ctx, { ids }) => {
    checkStatusBatch(ids);
    return await workStatuses(ctx, ids);
  },
});

/** Null: there never was such a work, or its outcome is no longer kept. */
export const get = query({
  args: { id: v.string() },
  returns: v.union(v.null(), vWorkInfo),
  handler: async (ctx, { id }) => await workInfo(ctx, id),
});
