/**
 * Counting deliveries without a counter that everybody writes.
 *
 * Twenty deliveries that end at once would all have to change the same row, and
 * all but one would conflict. So whoever has something to count only inserts a
 * ledger entry, which conflicts with nothing. Now and then `fold` adds the older
 * entries up into the endpoint's totals and deletes them. A count is the totals
 * plus the entries not yet folded: exact at any moment, and cheap to read.
 */
import { v, type Infer } from "convex/values";
import { internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import {
  internalMutation,
  type MutationCtx,
  type QueryCtx,
} from "./_generated/server.js";
import type { vChange } from "./schema.js";

/** On average, how many entries wait when a fold begins. */
const FOLD_EVERY = 32;
/** Entries this young are left alone: transactions are still adding to them. */
const SETTLE_MS = 2_000;
const MAX_ENTRIES_PER_FOLD = 512;
/** Bounds a read. That so many wait means that no fold has run for very long. */
const MAX_ENTRIES_READ = 4 * MAX_ENTRIES_PER_FOLD;

export const vCounts = v.object({
  accepted: v.number(),
  success: v.number(),
  failed: v.number(),
  canceled: v.number(),
  /** Of the failed: those that another delivery took the place of. */
  replaced: v.number(),
});
export type Counts = Infer<typeof vCounts>;

export async function record(
  ctx: MutationCtx,
  endpointId: Id<"endpoints">,
  change: Infer<typeof vChange>,
): Promise<void> {
  await ctx.db.insert("ledger", { endpointId, change });
  // Drawing lots needs no shared state to tell whose turn it is.
  if (Math.random() * FOLD_EVERY < 1) {
    await ctx.scheduler.runAfter(SETTLE_MS, internal.counts.fold, {
      endpointId,
    });
  }
}

export async function read(
  ctx: QueryCtx,
  endpointId: Id<"endpoints">,
): Promise<Counts> {
  const totals = await totalsOf(ctx, endpointId);
  const entries = await ctx.db
    .query("ledger")
    .withIndex("by_endpoint", (q) => q.eq("endpointId", endpointId))
    .take(MAX_ENTRIES_READ);
  return add(totals, entries);
}

export const fold = internalMutation({
  args: { endpointId: v.id("endpoints") },
  returns: v.null(),
  handler: async (ctx, { endpointId }) => {
    const entries = await ctx.db
      .query("ledger")
      .withIndex("by_endpoint", (q) =>
        q
          .eq("endpointId", endpointId)
          // Without an upper bound, every new entry would conflict with us.
          .lt("_creationTime", Date.now() - SETTLE_MS),
      )
      .take(MAX_ENTRIES_PER_FOLD);
    if (entries.length === 0) {
      return null;
    }
    const { _id, ...totals } = await totalsOf(ctx, endpointId);
    const sum = { endpointId, ...add(totals, entries) };
    if (_id === undefined) {
      await ctx.db.insert("totals", sum);
    } else {
      await ctx.db.replace("totals", _id, sum);
    }
    await Promise.all(entries.map(({ _id }) => ctx.db.delete("ledger", _id)));
    if (entries.length === MAX_ENTRIES_PER_FOLD) {
      await ctx.scheduler.runAfter(0, internal.counts.fold, { endpointId });
    }
    return null;
  },
});

async function totalsOf(
  ctx: QueryCtx,
  endpointId: Id<"endpoints">,
): Promise<Counts & { _id?: Id<"totals"> }> {
  const stored = await ctx.db
    .query("totals")
    .withIndex("by_endpoint", (q) => q.eq("endpointId", endpointId))
    .unique();
  return {
    _id: stored?._id,
    accepted: stored?.accepted ?? 0,
    success: stored?.success ?? 0,
    failed: stored?.failed ?? 0,
    canceled: stored?.canceled ?? 0,
    replaced: stored?.replaced ?? 0,
  };
}

function add(
  { accepted, success, failed, canceled, replaced }: Counts,
  entries: Array<{ change: Infer<typeof vChange> }>,
): Counts {
  const sum: Counts = { accepted, success, failed, canceled, replaced };
  for (const { change } of entries) {
    if (change === "reopened") sum.failed -= 1;
    else sum[change] += 1;
  }
  return sum;
}
