/**
 * What user code may use of one of our transactions. A limit that was met stays met
 * for whatever else happens in the transaction, so a part of each is kept for
 * recording what user code has done; and that holds for every call, since a report
 * runs one callback after the other. Pure but for asking the platform what is left.
 */
import type { QueryCtx } from "../_generated/server.js";
import { type Remaining, remainingOf } from "../platform.js";

const MIB = 1024 * 1024;

/** Convex's limits, for platforms that do not tell what is left. */
const WHOLE: Remaining = {
  bytesRead: 16 * MIB,
  bytesWritten: 16 * MIB,
  databaseQueries: 4096,
  documentsRead: 32_000,
  documentsWritten: 16_000,
  functionsScheduled: 1000,
  scheduledFunctionArgsBytes: 16 * MIB,
};

/**
 * For the rest of a full report: its results and their rows, one delivery scheduled
 * for each callback that is owed, and a turn of the loop.
 */
const KEPT: Remaining = {
  bytesRead: 2 * MIB,
  bytesWritten: 3 * MIB,
  databaseQueries: 600,
  documentsRead: 4000,
  documentsWritten: 2000,
  functionsScheduled: 150,
  scheduledFunctionArgsBytes: 4 * MIB,
};

const LIMITS = Object.keys(WHOLE) as (keyof Remaining)[];

/** The limits of the next call of user code, on top of what is used already. */
export function shareOf(remaining: Remaining | null): Remaining {
  const share = { ...WHOLE };
  for (const limit of LIMITS) {
    share[limit] = Math.max(0, (remaining ?? WHOLE)[limit] - KEPT[limit]);
  }
  return share;
}

/**
 * Whether a callback should be called in a transaction that has been used already: at
 * least half of what it would have in one of its own. A callback may well need
 * more, and then fails here though nothing is wrong with it; it is tried again alone.
 */
export function isAmple(share: Remaining): boolean {
  return LIMITS.every(
    (limit) => share[limit] >= (WHOLE[limit] - KEPT[limit]) / 2,
  );
}

export async function userShare(ctx: QueryCtx): Promise<Remaining> {
  return shareOf(await remainingOf(ctx));
}
