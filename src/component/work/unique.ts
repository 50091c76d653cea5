/**
 * Unique works: one row for each key names the work that was enqueued last with it. Whether that one
 * still holds the key is read from the work, so that nobody who ends works writes here.
 *
 * | scope          | the key is held                                                              |
 * | -------------- | ---------------------------------------------------------------------------- |
 * | waiting        | while the work was never attempted and is in the queue                       |
 * | active         | until it ends                                                                |
 * | retained       | as long as anything is known about it                                        |
 * | { windowMs }   | for so long after it was enqueued, whatever becomes of it                     |
 *
 * What an enqueue finds, and does:
 *
 * | the key          | the holder            | "return"   | "replace"           | "runAgain"                     |
 * | ---------------- | --------------------- | ---------- | ------------------- | ------------------------------ |
 * | is free          |                       | a new work | a new work          | a new work                     |
 * | is held          | was never attempted, and waits | its id | it becomes what the call describes | its id |
 * | is held          | has begun, or has ended | its id   | its id, unchanged   | a new work follows (`follow.ts`) |
 *
 * Two enqueues of one key read and write the same row, so they conflict, and the second sees the first. The row
 * of a work that follows names the one before it, too: should the follower be canceled, that one holds the key.
 *
 * Rows go by sweeps: see `uniqueSweep.ts`.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import type { Unique, UniqueScope } from "../identity.js";
import { checkUnique } from "../identity.js";
import {
  checkSettings,
  declare,
  type Declaration,
} from "../queue/configRow.js";
import { bytesOf, entryOf, EntryRemoval, isWaiting } from "../queue/entries.js";
import { createLogger, recordEnqueued } from "../logging.js";
import { MINUTE } from "../shared.js";
import {
  type Checked,
  checkItem,
  enqueueItems,
  insertWork,
  type Item,
  workFields,
} from "./enqueue.js";
import { outcomeOf } from "./kept.js";
import { liveWork } from "./live.js";
import { deletePayload } from "./payload.js";
import { requeueAwake } from "./requeueAwake.js";
import { addTags, removeTags } from "./tags.js";
import { scheduleSweep } from "./uniqueSweep.js";

/** One in so many enqueues that take a key has the rows swept that are over. */
const SWEEP_CHANCE = 1 / 128;
/** Most works are over so long after they were due. */
const FIRST_LOOK_MS = 10 * MINUTE;
/** What came of an `enqueueUnique`. */
export type UniqueOutcome = {
  id: Id<"work">;
  /** Whether a work was enqueued. */
  isNew: boolean;
  /** Whether the work that waited was made what the call describes. */
  replaced: boolean;
};

/** Enqueues `item`, or finds the work that holds the key. */
export async function enqueueUnique(
  ctx: MutationCtx,
  config: Declaration,
  item: Item,
  unique: Unique,
): Promise<UniqueOutcome> {
  const now = Date.now();
  checkSettings(config);
  const checked = checkItem(item, 0, 1, now);
  checkUnique(unique, checked.statusTtl);
  const row = await rowOf(ctx, unique.key);
  const holder = row && (await holderOf(ctx, row, unique.scope, now));
  if (!row || !holder) {
    return await enqueueFirst(ctx, config, item, unique, row, now);
  }
  const known = { id: holder.id, isNew: false, replaced: false };
  const { work } = holder;
  const { onDuplicate = "return" } = unique;
  if (!work || onDuplicate === "return") return known;
  const waits = await neverAttempted(ctx, work);
  if (waits && onDuplicate === "replace") {
    await replaceWaiting(ctx, work, checked, startOf(item, unique, row, now));
    return { ...known, replaced: true };
  }
  if (waits || onDuplicate === "replace") return known;
  const id = await enqueueFollower(ctx, config, checked, unique.key, work);
  await ctx.db.patch("unique", row._id, {
    workId: id,
    before: work._id,
    at: now,
    windowEndsAt: undefined,
    sweepAt: Math.max(now, item.runAt) + FIRST_LOOK_MS,
  });
  return { id, isNew: true, replaced: false };
}

function rowOf(ctx: MutationCtx, key: string): Promise<Doc<"unique"> | null> {
  return ctx.db
    .query("unique")
    .withIndex("by_key", (q) => q.eq("key", key))
    .unique();
}

/** Who holds the key under this scope. Without a `work`: it has ended. */
type Holder = { id: Id<"work">; work: Doc<"work"> | null };

async function holderOf(
  ctx: MutationCtx,
  row: Doc<"unique">,
  scope: UniqueScope,
  now: number,
): Promise<Holder | null> {
  for (const id of [row.workId, row.before]) {
    if (id === undefined) continue;
    const work = await liveWork(ctx, id);
    if (await holds(ctx, id, work, row, scope, now)) return { id, work };
  }
  return null;
}

async function holds(
  ctx: MutationCtx,
  id: Id<"work">,
  work: Doc<"work"> | null,
  row: Doc<"unique">,
  scope: UniqueScope,
  now: number,
): Promise<boolean> {
  if (typeof scope === "object") {
    return id === row.workId && now < row.at + scope.windowMs;
  }
  switch (scope) {
    case "waiting":
      return work !== null && (await neverAttempted(ctx, work));
    case "active":
      return work !== null;
    case "retained":
      return work !== null || (await outcomeOf(ctx, id)) !== null;
  }
}

/** It is in the queue, or will be, and no attempt of it has ended; a work that a worker was given counts as begun. */
async function neverAttempted(
  ctx: MutationCtx,
  work: Doc<"work">,
): Promise<boolean> {
  if ((work.attempts ?? 0) > 0 || work.hops !== undefined) return false;
  return work.follows !== undefined || (await isWaiting(ctx, work));
}

async function enqueueFirst(
  ctx: MutationCtx,
  config: Declaration,
  item: Item,
  { key, scope, delayMs }: Unique,
  row: Doc<"unique"> | null,
  now: number,
): Promise<UniqueOutcome> {
  const runAt = delayMs === undefined ? item.runAt : now + delayMs;
  const [id] = await enqueueItems(ctx, config, [{ ...item, runAt }], key);
  const windowEndsAt =
    typeof scope === "object" ? now + scope.windowMs : undefined;
  const fields = {
    key,
    workId: id!,
    at: now,
    ...(windowEndsAt === undefined ? {} : { windowEndsAt }),
    sweepAt: Math.max(windowEndsAt ?? now, runAt) + FIRST_LOOK_MS,
  };
  if (row) await ctx.db.replace("unique", row._id, fields);
  else await ctx.db.insert("unique", fields);
  if (Math.random() < SWEEP_CHANCE) await scheduleSweep(ctx);
  return { id: id!, isNew: true, replaced: false };
}

/** Where a replaced work is moved to. Null: it keeps its place. */
function startOf(
  item: Item,
  { delayMs, maxDelayMs = Infinity, movesStart }: Unique,
  row: Doc<"unique">,
  now: number,
): number | null {
  if (delayMs !== undefined) {
    return Math.min(now + delayMs, row.at + maxDelayMs);
  }
  return movesStart ? item.runAt : null;
}

/** `work` keeps its id and its place in the queue, unless it is moved; all else is as the call describes it. */
async function replaceWaiting(
  ctx: MutationCtx,
  work: Doc<"work">,
  checked: Checked,
  movedTo: number | null,
): Promise<void> {
  const now = Date.now();
  await deletePayload(ctx, work.argsId);
  await deletePayload(ctx, work.onComplete?.contextId);
  await removeTags(ctx, work._id, work);
  await addTags(ctx, work._id, checked.item);
  const runAt = movedTo ?? work.runAt;
  const patch = { ...(await workFields(ctx, checked)), runAt };
  const entry = await entryOf(ctx, work);
  if (entry === null) {
    // It follows another work, and is put into the queue by the end of that one.
    await ctx.db.patch("work", work._id, patch);
    return;
  }
  const staysThere =
    (entry.kind === "long") === checked.long &&
    entry.startBy === checked.startBy;
  if (movedTo === null && staysThere && entry.works.length === 1) {
    await ctx.db.patch("work", work._id, patch);
    const bytes = bytesOf([checked.bytes]);
    await ctx.db.patch("pendingStart", entry._id, { bytes });
    return;
  }
  const removal = new EntryRemoval(ctx);
  await removal.take(work);
  await removal.write();
  const dueAt = runAt <= now ? null : runAt;
  await requeueAwake(ctx, [{ work, dueAt, patch }]);
}

/** A row without an entry: the end of `work` puts it into the queue. */
async function enqueueFollower(
  ctx: MutationCtx,
  config: Declaration,
  checked: Checked,
  uniqueKey: string,
  work: Doc<"work">,
): Promise<Id<"work">> {
  const { logLevel } = await declare(ctx, config);
  const id = await insertWork(ctx, checked, undefined, uniqueKey);
  await ctx.db.patch("work", id, { follows: work._id });
  await ctx.db.patch("work", work._id, { followedBy: id });
  const console = createLogger(logLevel);
  const { fnName, runAt } = checked.item;
  const enqueuedAt = Date.now();
  recordEnqueued(console, { workId: id, fnName, runAt, enqueuedAt });
  console.end();
  return id;
}

/**
 * For a work that has ended and goes on, in another round: it takes its key again.
 *
 * @returns false if another work has it, which waits or runs.
 */
export async function takeKeyAgain(
  ctx: MutationCtx,
  { _id, uniqueKey }: Pick<Doc<"work">, "_id" | "uniqueKey">,
): Promise<boolean> {
  if (uniqueKey === undefined) return true;
  const now = Date.now();
  const row = await rowOf(ctx, uniqueKey);
  const holder = row && (await holderOf(ctx, row, "active", now));
  if (holder && holder.id !== _id) return false;
  const fields = {
    key: uniqueKey,
    workId: _id,
    at: now,
    sweepAt: now + FIRST_LOOK_MS,
  };
  if (row) await ctx.db.replace("unique", row._id, fields);
  else await ctx.db.insert("unique", fields);
  return true;
}
