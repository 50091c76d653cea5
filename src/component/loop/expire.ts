/** Ends works that wait and may not begin any more: a piece of it, in a transaction of the recovery. */
import type { MutationCtx } from "../_generated/server.js";
import type { TransactionBudget } from "../budget.js";
import { type Logger, recordIncident } from "../logging.js";
import { bytesOf, sizesOf } from "../queue/entries.js";
import { lateEntries } from "../queue/expiring.js";
import { Settler } from "../work/settler.js";
import { liveWork } from "../work/live.js";
import type { Piece } from "./recovery.js";

/**
 * Ends as many as `budget` allows. No code of users runs here, so that none of it can make the piece
 * fail: callbacks are owed.
 *
 * @param cursor - Where the scan begins: the one with which the watchdog found something.
 */
export async function expirePiece(
  ctx: MutationCtx,
  console: Logger,
  budget: TransactionBudget,
  cursor: number,
): Promise<Piece> {
  const settler = new Settler(ctx, console);
  let settled = 0;
  let unfinished = false;
  for await (const entry of lateEntries(ctx, Date.now(), cursor)) {
    const { _id, works, bytes } = entry;
    let taken = 0;
    while (taken < works.length && (await budget.hasRoom())) {
      const work = await liveWork(ctx, works[taken]!);
      // As one that an executor gives back: should it be allowed to begin after all, it waits again.
      if (work) await settler.settle(work, { kind: "returned" });
      budget.spend();
      taken += 1;
    }
    settled += taken;
    unfinished = taken < works.length;
    if (!unfinished) {
      await ctx.db.delete("pendingStart", _id);
      continue;
    }
    const rest = sizesOf(works.length, bytes).slice(taken);
    await ctx.db.patch("pendingStart", _id, {
      works: works.slice(taken),
      bytes: bytesOf(rest),
    });
    break;
  }
  if (settled > 0) {
    recordIncident(
      console,
      "warn",
      "expired",
      `${settled} works had not begun by the time that expireAt or a time-out of theirs says, and begin no more`,
      { works: settled },
    );
  }
  return { earliestDueAt: await settler.putBack(), settled, unfinished };
}
