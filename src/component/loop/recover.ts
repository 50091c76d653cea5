/**
 * Recovery: a scheduled mutation that settles what lost executors had, one piece
 * of one executor per call, and then calls itself for the next. After them it settles attempts that have
 * frozen, and ends what waits and may not begin any more, in pieces as well. The watchdog
 * (`watch.ts`) starts it, and tries smaller pieces when one fails.
 *
 * Its row says which call is the one that counts and how large a piece is. A call
 * reads nothing stale: what it takes for lost is lost.
 */
import { type Infer, v } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "../_generated/server.js";
import { TransactionBudget } from "../budget.js";
import { sweepOverdueCallbacks } from "../work/callback.js";
import { sweepOverdueNotices } from "../work/notice.js";
import { effectiveConfig } from "../queue/configRow.js";
import { readStats } from "./positions.js";
import { createLogger, type Logger, recordIncident } from "../logging.js";
import { wakeFromReport } from "../queue/wake.js";
import { takeBack } from "./executors.js";
import { expirePiece } from "./expire.js";
import { frozenPiece } from "./frozen.js";
import { fateOf } from "./fate.js";
import { MAX_BYTES, MAX_WORKS } from "./pieces.js";
import { type Piece, recoverPiece } from "./recovery.js";

export const vRecovery = v.object({
  token: v.string(),
  /** Those to look after, in this order. */
  executors: v.array(v.id("executor")),
  works: v.number(),
  /** Why the next work ends, since a piece of one work failed again and again. */
  giveUp: v.optional(v.string()),
  /** Works wait that may not begin any more (`expire.ts`): where the scan for them begins. */
  lateFrom: v.optional(v.number()),
  /** Attempts have frozen (`frozen.ts`): where the scan for them begins. */
  frozenFrom: v.optional(v.number()),
});

const NOTHING: Piece = { earliestDueAt: null, settled: 0, unfinished: false };

export const recover = internalMutation({
  args: vRecovery,
  returns: v.null(),
  handler: async (ctx, args) => {
    const row = await ctx.db.query("recovery").first();
    if (row?.token !== args.token) return null;
    const { logLevel } = await effectiveConfig(ctx);
    const console = createLogger(logLevel);
    const budget = new TransactionBudget(ctx, {
      works: args.works,
      bytes: MAX_BYTES,
    });
    const [executorId, ...others] = args.executors;
    const { lateFrom, frozenFrom } = args;
    const piece = executorId
      ? await lookAfter(ctx, console, executorId, budget, args.giveUp ?? null)
      : frozenFrom !== undefined
        ? await frozenPiece(ctx, console, budget, frozenFrom)
        : lateFrom !== undefined
          ? await expirePiece(ctx, console, budget, lateFrom)
          : NOTHING;
    if (!executorId) {
      await sweepOverdueCallbacks(ctx, console);
      await sweepOverdueNotices(ctx, console);
    }
    console.end();
    await wakeFromReport(ctx, piece.settled > 0, piece.earliestDueAt, null);

    const rest = piece.unfinished ? args.executors : others;
    // What has frozen comes after the last executor, and then what is late.
    const thaws = frozenFrom !== undefined && (executorId || piece.unfinished);
    const expires =
      lateFrom !== undefined &&
      (executorId || frozenFrom !== undefined || piece.unfinished);
    if (rest.length === 0 && !thaws && !expires) {
      await ctx.db.delete("recovery", row._id);
    } else {
      await startRecovery(ctx, row, {
        executors: rest,
        ...(thaws ? { frozenFrom } : {}),
        ...(expires ? { lateFrom } : {}),
        // After one that went well, pieces may be larger again.
        works: Math.min(MAX_WORKS, args.works * 2),
      });
    }
    return null;
  },
});

/** Schedules a piece, and notes that it is the one that counts. */
export async function startRecovery(
  ctx: MutationCtx,
  row: Doc<"recovery"> | null,
  next: Omit<Infer<typeof vRecovery>, "token"> & { failures?: number },
): Promise<void> {
  const { failures = 0, ...args } = next;
  const token = crypto.randomUUID();
  const scheduledId = await ctx.scheduler.runAfter(
    0,
    internal.loop.recover.recover,
    { ...args, token },
  );
  const fields = { ...args, token, scheduledId, failures };
  if (row) await ctx.db.replace("recovery", row._id, fields);
  else await ctx.db.insert("recovery", fields);
}

async function lookAfter(
  ctx: MutationCtx,
  console: Logger,
  executorId: Id<"executor">,
  budget: TransactionBudget,
  giveUp: string | null,
): Promise<Piece> {
  const executor = await ctx.db.get("executor", executorId);
  if (!executor || executor.state.kind === "done") return NOTHING;
  const job =
    executor.scheduledId &&
    (await ctx.db.system.get("_scheduled_functions", executor.scheduledId));
  const stats = await readStats(ctx, executorId);
  const fate = fateOf(job ?? null, executor, stats, Date.now());
  if (fate.kind === "lost") {
    recordIncident(
      console,
      "error",
      giveUp === null ? "executorLost" : "recoveryGaveUp",
      giveUp ?? `An executor is lost (${fate.why.trim()}); what it had goes on`,
      { executorId, why: fate.why },
    );
    return await recoverPiece(ctx, console, executor, fate, budget, giveUp);
  }
  if (job?.state.kind !== "canceled") return NOTHING;
  // It may still be running, and gets no more work: first of all, or it would be
  // handed again what is taken back.
  if (executor.state.kind === "open") {
    await ctx.db.patch("executor", executorId, { state: { kind: "closing" } });
  }
  const back = await takeBack(ctx, console, executor, budget);
  return { ...back, settled: back.works };
}
