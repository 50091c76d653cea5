/** Reading the queue: entries in the order of their commits or due times, as many as there is use for. */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { NOT_COMMITTED } from "../queue/wake.js";
import { MINUTE } from "../shared.js";

/**
 * An entry may commit this long after its due time was taken from the clock: a
 * transaction lives for seconds, and clocks are set. Whatever is due before a time
 * at which nothing older waited, less this, was seen.
 */
const LATE_COMMIT_MS = 2 * MINUTE;
export type Position = Doc<"loopState">["ready"];

export type EntryView = {
  id: Id<"pendingStart">;
  kind: Doc<"pendingStart">["kind"];
  /** Null: the reading transaction wrote it itself. It will lie behind everything committed. */
  position: Position | null;
  dueAt: number;
  works: number;
  /** By when its works have to begin. Undefined: at any time. */
  startBy?: number | undefined;
  content: Pick<Doc<"pendingStart">, "works" | "bytes">;
};

export const START: Position = { commitTs: 0n, creationTime: 0 };

/** From where the next look has to scan: behind that are only tombstones. */
export function scanFrom(entries: readonly EntryView[], now: number): number {
  return Math.min(entries[0]?.dueAt ?? now, now) - LATE_COMMIT_MS;
}

/** Whether there is an entry behind `position`; with dependencies. */
export async function anythingAfter(
  ctx: QueryCtx,
  kind: "ready" | "later",
  position: Position,
): Promise<boolean> {
  return (await new Arrivals(ctx, kind, position).first()) !== undefined;
}

/**
 * Entries behind a position, in commit order. Each is read once, whether it was looked at
 * as the first or taken.
 */
export class Arrivals implements AsyncIterable<Doc<"pendingStart">> {
  private readonly source: AsyncIterator<Doc<"pendingStart">>;
  private head: Promise<IteratorResult<Doc<"pendingStart">>> | undefined;

  constructor(ctx: QueryCtx, kind: "ready" | "later", position: Position) {
    this.source = inCommitOrder(ctx, kind, position);
  }

  /** The oldest of them; to be asked for before any is taken. */
  async first(): Promise<Doc<"pendingStart"> | undefined> {
    this.head ??= this.source.next();
    const { value, done } = await this.head;
    return done ? undefined : value;
  }

  [Symbol.asyncIterator](): AsyncIterator<Doc<"pendingStart">> {
    return {
      next: () => {
        const { head } = this;
        this.head = undefined;
        return head ?? this.source.next();
      },
    };
  }
}

/** All entries of one mutation share a timestamp: among them creation time tells. */
async function* inCommitOrder(
  ctx: QueryCtx,
  kind: "ready" | "later",
  { commitTs, creationTime }: Position,
): AsyncGenerator<Doc<"pendingStart">> {
  yield* ctx.db
    .query("pendingStart")
    .withIndex("by_arrival", (q) =>
      q
        .eq("kind", kind)
        .eq("commitTs", commitTs)
        .gt("_creationTime", creationTime),
    );
  yield* ctx.db
    .query("pendingStart")
    .withIndex("by_arrival", (q) =>
      q.eq("kind", kind).gt("commitTs", commitTs),
    );
}

/**
 * Ready entries that the reading transaction has written itself. No committed row lies
 * in what is read here, so nobody's enqueue makes the transaction run again.
 */
export async function ownEntries(
  ctx: QueryCtx,
  bound: Bound,
): Promise<EntryView[]> {
  const own = ctx.db
    .query("pendingStart")
    .withIndex("by_arrival", (q) =>
      q.eq("kind", "ready").gt("commitTs", NOT_COMMITTED),
    );
  return (await bound.take(own)).map(entryView);
}

/** How much is read: no more entries than this, and none once they have so many works. */
export class Bound {
  constructor(
    private entries: number,
    private works = Infinity,
  ) {}

  get isMet(): boolean {
    return this.entries <= 0 || this.works <= 0;
  }

  async take(
    source: AsyncIterable<Doc<"pendingStart">>,
  ): Promise<Doc<"pendingStart">[]> {
    const taken: Doc<"pendingStart">[] = [];
    if (this.isMet) return taken;
    for await (const entry of source) {
      taken.push(entry);
      this.entries -= 1;
      this.works -= entry.works.length;
      if (this.isMet) break;
    }
    return taken;
  }
}

export function entryView(entry: Doc<"pendingStart">): EntryView {
  const { commitTs, _creationTime: creationTime } = entry;
  return {
    id: entry._id,
    kind: entry.kind,
    // Until the commit, the timestamp is a placeholder: no number, and no place for a cursor.
    position: typeof commitTs === "bigint" ? { commitTs, creationTime } : null,
    dueAt: entry.dueAt,
    works: entry.works.length,
    ...(entry.startBy === undefined ? {} : { startBy: entry.startBy }),
    content: { works: entry.works, bytes: entry.bytes },
  };
}

/** Milliseconds since the epoch; later than everything for what is not committed yet. */
export function committedAt({ position }: EntryView): number {
  return position ? Number(position.commitTs / 1_000_000n) : Infinity;
}
