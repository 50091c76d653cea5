/**
 * What the platform can do: that depends on the app's `convex` package and on the
 * backend it is deployed to. The first enqueue looks ({@link probePlatform}), and the
 * config row remembers what is lacking, for `health` to tell. Whoever uses an ability
 * copes with its absence by itself, so that what is remembered may be out of date.
 *
 * | ability                     | in `convex` | in the backend | without it                                                |
 * | --------------------------- | ----------- | -------------- | --------------------------------------------------------- |
 * | `ctx.db.vars.commitTs`      | 1.43        | July 2026      | enqueue is refused: there is no order to start works in   |
 * | `useStaleSnapshot`          | 1.42        | April 2026     | enqueue is refused: everything would conflict             |
 * | `snapshotTs`                | 1.46        | August 2026    | a stale snapshot counts as the transaction's own          |
 * | `transactionLimits`         | 1.38        | May 2026       | what user code leaves no room for is recorded without it  |
 * | `transactionMetrics`        | 1.35        | April 2026     | each call of user code gets the same fixed limits         |
 * | `deploymentClass`           | 1.37        | April 2026     | the pool behaves as on the smallest class                 |
 */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import {
  internalQuery,
  type MutationCtx,
  type QueryCtx,
} from "./_generated/server.js";
import { type Ability, vAbility } from "./shared.js";

const LIMITS = [
  "bytesRead",
  "bytesWritten",
  "databaseQueries",
  "documentsRead",
  "documentsWritten",
  "functionsScheduled",
  "scheduledFunctionArgsBytes",
] as const;

/** How much is left of each of a transaction's limits. */
export type Remaining = Record<(typeof LIMITS)[number], number>;

/**
 * Tries out everything there is to try, once per pool.
 *
 * @returns what the pool has to do without.
 * @throws when it cannot do without, and says what is needed.
 */
export async function probePlatform(ctx: MutationCtx): Promise<Ability[]> {
  try {
    const entryId = await ctx.db.insert("pendingStart", {
      kind: "ready",
      commitTs: ctx.db.vars.commitTs,
      dueAt: 0,
      works: [],
      bytes: 0,
    });
    await ctx.db.delete("pendingStart", entryId);
    return await ctx.runQuery(
      internal.platform.lacking,
      {},
      { useStaleSnapshot: true, transactionLimits: PROBE_LIMITS },
    );
  } catch (error) {
    throw new Error(
      `Nothing was enqueued: convex-workpool needs the npm package convex 1.43 or later, and a backend of late July 2026 or later (commit timestamps, stale snapshots). This one answers: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

const PROBE_LIMITS = { functionsScheduled: 0 };

export const lacking = internalQuery({
  args: {},
  returns: v.array(vAbility),
  handler: async (ctx): Promise<Ability[]> => {
    const remaining = await remainingOf(ctx);
    const isThere: Record<Ability, boolean> = {
      snapshotTs: snapshotTs(ctx) !== null,
      transactionMetrics: remaining !== null,
      // Called under limits of its own: a platform without them ignores these in silence.
      transactionLimits:
        remaining?.functionsScheduled === PROBE_LIMITS.functionsScheduled,
      deploymentClass: (await classOf(ctx)) !== null,
    };
    return (Object.keys(isThere) as Ability[]).filter(
      (ability) => !isThere[ability],
    );
  },
});

/** Of the snapshot that is read, on the clock of commit timestamps. Null: nobody tells. */
export function snapshotTs(ctx: QueryCtx): bigint | null {
  try {
    return ctx.meta.getSnapshotTs();
  } catch {
    return null;
  }
}

/** Null: nobody tells. */
export async function remainingOf(ctx: QueryCtx): Promise<Remaining | null> {
  try {
    const metrics = await ctx.meta.getTransactionMetrics();
    const remaining = LIMITS.map((limit) => [limit, metrics[limit].remaining]);
    return Object.fromEntries(remaining) as Remaining;
  } catch {
    return null;
  }
}

/** "s16", "s256" …; where nobody tells, the smallest. */
export async function deploymentClass(ctx: QueryCtx): Promise<string> {
  return (await classOf(ctx)) ?? "s16";
}

async function classOf(ctx: QueryCtx): Promise<string | null> {
  try {
    return (await ctx.meta.getDeploymentMetadata()).class;
  } catch {
    return null;
  }
}
