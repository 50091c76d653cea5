/**
 * Outcomes are kept for their `statusTtl` and then swept by turns that happen
 * anyway. Nothing is scheduled for it: a far-away scheduled function per
 * outcome would cost more than the row, and an idle pool makes no calls.
 *
 * An outcome is written with a time to expire that has not come yet, so a sweep
 * can begin where one before it ended: see `timeCursor.ts`.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { TransactionBudget } from "../budget.js";
import { removeOutcome } from "./kept.js";
import { MAX_VALUE_BYTES, SECOND } from "../shared.js";
import { cursorAfter, LATE_MS, scanFrom } from "../timeCursor.js";

/** More than a turn ends works on average, so the table does not grow. */
const SWEEP_LIMIT = 64;

/** Deleting a payload reads it, a megabyte at worst, and the turn has other things to do. */
const MAX_SWEEP_BYTES = 4_000_000;

/** Of a row without what is stored apart, read twice: where the platform does not measure. */
const MAX_ROW_BYTES = 100_000;

/**
 * Where nothing is left to sweep, the next sweep comes after this: each passes
 * the tombstones of the last minute, and outcomes past their time are not
 * shown to anyone.
 */
const SWEEP_EVERY_MS = 10 * SECOND;

/**
 * Deletes some of what has expired.
 *
 * @param cursor - What the sweep before returned. Undefined: everything is looked at.
 * @returns the cursor of the next sweep.
 */
export async function sweepExpired(
  ctx: MutationCtx,
  cursor?: number,
): Promise<number | undefined> {
  const now = Date.now();
  const from = scanFrom(cursor, now);
  if (from !== undefined && from > now - LATE_MS - SWEEP_EVERY_MS) {
    return cursor;
  }
  const budget = new TransactionBudget(ctx, {
    works: SWEEP_LIMIT,
    bytes: MAX_SWEEP_BYTES,
  });
  if (await budget.isUsedUp()) return cursor;
  const expired = ctx.db.query("complete").withIndex("by_expiry", (q) =>
    (from === undefined
      ? // Null (a callback is owed) sorts before every number.
        q.gt("expiresAt", null)
      : q.gte("expiresAt", from)
    ).lte("expiresAt", now),
  );
  for await (const outcome of expired) {
    if (!(await budget.hasRoom())) {
      // The next turn goes on with it.
      return Math.min(
        cursorAfter(outcome.expiresAt, now),
        now - LATE_MS - SWEEP_EVERY_MS,
      );
    }
    budget.spend(1, mostBytes(outcome));
    await removeOutcome(ctx, outcome);
  }
  return cursorAfter(null, now);
}

/** Where the platform does not measure. One that failed may have kept its work: arguments and context. */
export function mostBytes({
  result,
  resultId,
  callback,
}: Doc<"complete">): number {
  const values =
    result.kind === "failed" ? 2 : Number(Boolean(resultId ?? callback));
  return values * MAX_VALUE_BYTES + MAX_ROW_BYTES;
}
