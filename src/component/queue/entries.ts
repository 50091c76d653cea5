/**
 * Queue entries: which works share one, how they get in and how they are taken
 * out again other than by the loop.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { INLINE_LIMIT_BYTES, isLong, SECOND, SEGMENT_MS } from "../shared.js";
import { startByOf } from "./startBy.js";
import type { WakeUp } from "./wake.js";

/**
 * A batch shall cost a few rows and not one per work, but whoever subscribes
 * to the status of a work is woken whenever its entry changes.
 */
export const MAX_ENTRY_WORKS = 32;

/** The arguments of one entry shall fit into one answer to an executor, with room to spare. */
export const MAX_ENTRY_BYTES = 2_000_000;

/** What the end of a work reads and an attempt at it carries: its arguments and its context. */
export function workBytes(
  work: Pick<Doc<"work">, "argsSize" | "onComplete">,
): number {
  return work.argsSize + (work.onComplete?.contextSize ?? 0);
}

/**
 * What an entry says of the bytes of its works: the sum, unless one of them is large.
 * Small ones count as equal: they take the fewest bytes in every entry.
 */
export function bytesOf(sizes: readonly number[]): EntryBytes {
  return sizes.some((each) => each >= INLINE_LIMIT_BYTES)
    ? [...sizes]
    : sizes.reduce((sum, each) => sum + each, 0);
}

/** The bytes of each of so many works, as far as their entry tells. */
export function sizesOf(works: number, bytes: EntryBytes): number[] {
  if (typeof bytes !== "number") return bytes;
  return Array<number>(works).fill(Math.ceil(bytes / Math.max(1, works)));
}

type EntryBytes = Doc<"pendingStart">["bytes"];

/** Something to put into the queue; `dueAt` null: it is due now. */
export type Packable = {
  dueAt: number | null;
  /** See {@link workBytes}. */
  bytes: number;
  /** Runs apart from others: together with those that have the same text; true: alone. */
  isolate?: boolean | string | undefined;
  /** Needs an executor opened for such works. */
  long?: boolean;
  /** It does not begin at this time or later. */
  startBy?: number | undefined;
  /** Shares an entry with nobody: whether it waits is asked with read dependencies. */
  alone?: boolean;
};
export type Pack<T> = {
  dueAt: number | null;
  isolate: boolean;
  long: boolean;
  startBy?: number;
  bytes: number;
  items: T[];
};

/**
 * Which items share an entry: those that are due in one segment and may run in
 * one executor. Those that are due now keep their order; those due within one
 * segment share the latest of their times, because the loop tells no finer
 * times apart. So do those that have to begin within one second: an entry is over as a whole.
 */
export function pack<T extends Packable>(items: readonly T[]): Pack<T>[] {
  const packs: Pack<T>[] = [];
  const open = new Map<string, Pack<T>>();
  for (const item of items) {
    const key = companyOf(item);
    let target = key === null ? undefined : open.get(key);
    if (
      target === undefined ||
      target.items.length >= MAX_ENTRY_WORKS ||
      target.bytes + item.bytes > MAX_ENTRY_BYTES
    ) {
      target = {
        dueAt: item.dueAt,
        isolate: Boolean(item.isolate),
        long: item.long === true,
        ...(item.startBy === undefined ? {} : { startBy: item.startBy }),
        items: [],
        bytes: 0,
      };
      packs.push(target);
      if (key !== null) {
        open.set(key, target);
      }
    }
    target.items.push(item);
    target.bytes += item.bytes;
    if (item.dueAt !== null && target.dueAt !== null) {
      target.dueAt = Math.max(target.dueAt, item.dueAt);
    }
    if (item.startBy !== undefined && target.startBy !== undefined) {
      target.startBy = Math.max(target.startBy, item.startBy);
    }
  }
  return packs;
}

/** Items with the same key may share an entry. Null: this one shares none. */
function companyOf({
  dueAt,
  isolate,
  long,
  startBy,
  alone,
}: Packable): string | null {
  if (isolate === true || alone) return null;
  const segment = dueAt === null ? null : Math.ceil(dueAt / SEGMENT_MS);
  const second = startBy === undefined ? null : Math.ceil(startBy / SECOND);
  return JSON.stringify([segment, long === true, isolate || null, second]);
}

function kindOf(
  isolate: boolean,
  long: boolean,
  dueAt: number | null,
): Doc<"pendingStart">["kind"] {
  if (isolate) return "isolated";
  if (long) return "long";
  return dueAt === null ? "ready" : "later";
}

function insertEntry(
  ctx: MutationCtx,
  { dueAt, isolate, long, startBy, items }: Pack<Packable>,
  content: {
    works: Id<"work">[];
    only?: Id<"work">;
    wakeUp?: WakeUp | undefined;
  },
): Promise<Id<"pendingStart">> {
  const now = Date.now();
  return ctx.db.insert("pendingStart", {
    kind: kindOf(isolate, long, dueAt),
    // Works that run apart are looked for by due time alone: one that was due long
    // ago would be behind what was scanned.
    dueAt: isolate || long ? Math.max(dueAt ?? 0, now) : (dueAt ?? now),
    commitTs: ctx.db.vars.commitTs,
    bytes: bytesOf(items.map((item) => item.bytes)),
    // None lies behind what was scanned: see `timeCursor.ts`.
    ...(startBy === undefined ? {} : { startBy: Math.max(startBy, now) }),
    ...content,
  });
}

/**
 * Puts new works into the queue. `insertWork` inserts the row of one, with the
 * `entryId` it is given.
 *
 * @param wakeUp the tick that was scheduled for them.
 */
export async function enqueueNew<T extends Packable>(
  ctx: MutationCtx,
  items: readonly T[],
  wakeUp: WakeUp | undefined,
  insertWork: (
    item: T,
    entryId: Id<"pendingStart"> | undefined,
  ) => Promise<Id<"work">>,
): Promise<void> {
  for (const entry of pack(items)) {
    const { items: members } = entry;
    const [first, ...others] = members;
    if (first !== undefined && others.length === 0) {
      const only = await insertWork(first, undefined);
      await insertEntry(ctx, entry, { works: [only], only, wakeUp });
      continue;
    }
    // The entry comes first, and learns its members last: so each work is
    // written once, and only the entry twice.
    const entryId = await insertEntry(ctx, entry, { works: [], wakeUp });
    const works: Id<"work">[] = [];
    for (const member of members) {
      works.push(await insertWork(member, entryId));
    }
    await ctx.db.patch("pendingStart", entryId, { works });
  }
}

/** A work that goes back to the queue; `dueAt` null: at once. */
export type Requeued = {
  work: Doc<"work">;
  dueAt: number | null;
  patch: Partial<Doc<"work">>;
  /** No executor that accepts ordinary works lives long enough for it. */
  long?: boolean;
};

/**
 * Puts works back into the queue. Their fence grows, so that whatever still
 * runs for them ends nothing. Wakes nobody.
 *
 * @param wakeUp the tick that was scheduled for them, if one was.
 */
export async function requeue(
  ctx: MutationCtx,
  items: Requeued[],
  wakeUp?: WakeUp,
): Promise<void> {
  const packable = items.map((item) => {
    const work = { ...item.work, ...item.patch };
    return {
      ...item,
      bytes: workBytes(work),
      isolate: work.isolate,
      // One that is suspended begins nowhere.
      long:
        work.suspended === undefined &&
        (item.long === true || isLong(work.timeoutMs)),
      startBy: startByOf(work),
      alone: work.uniqueKey !== undefined,
    };
  });
  for (const entry of pack(packable)) {
    const { items: members } = entry;
    const entryId = await insertEntry(ctx, entry, {
      works: members.map(({ work }) => work._id),
      ...(wakeUp === undefined ? {} : { wakeUp }),
    });
    for (const { work, patch } of members) {
      await ctx.db.patch("work", work._id, {
        ...patch,
        fence: (work.fence ?? 0) + 1,
        entryId,
      });
    }
  }
}

/** The entry a work waits in. Null: it was handed over. */
export async function entryOf(
  ctx: QueryCtx,
  work: Pick<Doc<"work">, "_id" | "entryId">,
): Promise<Doc<"pendingStart"> | null> {
  const entry =
    work.entryId === undefined
      ? await ctx.db
          .query("pendingStart")
          .withIndex("by_only", (q) => q.eq("only", work._id))
          .unique()
      : await ctx.db.get("pendingStart", work.entryId);
  return entry?.works.includes(work._id) ? entry : null;
}

/** Whether it is in the queue; otherwise, an executor has it. */
export async function isWaiting(
  ctx: QueryCtx,
  work: Pick<Doc<"work">, "_id" | "entryId">,
): Promise<boolean> {
  return (await entryOf(ctx, work)) !== null;
}

function without<T>(list: readonly T[], at: number): T[] {
  return list.filter((_, index) => index !== at);
}

type QueuedWork = Pick<
  Doc<"work">,
  "_id" | "entryId" | "argsSize" | "onComplete"
>;

/** Takes works out of the queue one by one, and writes each entry once, at the end. */
export class EntryRemoval {
  readonly #ctx: MutationCtx;
  /** What is left of the entries that works were taken from. */
  readonly #left = new Map<Id<"pendingStart">, Doc<"pendingStart">>();

  constructor(ctx: MutationCtx) {
    this.#ctx = ctx;
  }

  /** @returns the kind of the entry that it was in. Null: it was not, or no longer, in the queue. */
  async take(work: QueuedWork): Promise<Doc<"pendingStart">["kind"] | null> {
    const seen = work.entryId && this.#left.get(work.entryId);
    const entry = seen ?? (await entryOf(this.#ctx, work));
    if (!entry?.works.includes(work._id)) return null;
    const at = entry.works.indexOf(work._id);
    this.#left.set(entry._id, {
      ...entry,
      works: without(entry.works, at),
      bytes:
        typeof entry.bytes === "number"
          ? entry.bytes - workBytes(work)
          : bytesOf(without(entry.bytes, at)),
    });
    return entry.kind;
  }

  async write(): Promise<void> {
    for (const { _id, works, bytes } of this.#left.values()) {
      if (works.length > 0) {
        await this.#ctx.db.patch("pendingStart", _id, { works, bytes });
      } else {
        await this.#ctx.db.delete("pendingStart", _id);
      }
    }
  }
}
