/**
 * Works that wait and may not begin any more. Each says by when it has to begin
 * (`startBy.ts`), and so does the entry that it waits in: here these entries are found, by
 * an index that has nothing in it where no work sets a time.
 *
 * | who looks                                        | when                                        |
 * | ------------------------------------------------ | ------------------------------------------- |
 * | the watchdog (`loop/watch.ts`)                   | when it comes: every 12 s while work waits  |
 * | a turn that would put the watchdog off           | then: where it finds something, it does not |
 * | both, in a paused pool, where no work waits "for a place" | they have the watchdog come at the next of these times |
 *
 * What they find, the recovery ends, a piece at a time (`loop/expire.ts`).
 */
import type { Doc } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { scanFrom } from "../timeCursor.js";

/** Entries whose time has passed, the earliest first. */
export function lateEntries(
  ctx: QueryCtx,
  now: number,
  cursor: number | undefined,
) {
  return ctx.db
    .query("pendingStart")
    .withIndex("by_start_by", (q) =>
      q.gte("startBy", scanFrom(cursor, now) ?? 0).lte("startBy", now),
    );
}

/** The earliest time, passed or not, of what waits. Null: nothing that waits sets any. */
export async function nextStartBy(
  ctx: QueryCtx,
  now: number,
  cursor: number | undefined,
): Promise<number | null> {
  const next: Doc<"pendingStart"> | null = await ctx.db
    .query("pendingStart")
    .withIndex("by_start_by", (q) =>
      q.gte("startBy", scanFrom(cursor, now) ?? 0),
    )
    .first();
  return next?.startBy ?? null;
}
