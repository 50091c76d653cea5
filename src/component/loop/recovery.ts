/**
 * What a lost executor had goes on by policy, a piece at a time: each piece is a
 * report made in its place. What never began returns free of charge; mutations
 * and queries run again (their fence makes them exactly once); for an action the
 * attempt has failed, and its retry behavior decides.
 *
 * An executor begins works in the order of their positions, and its last report
 * named the position that it would not pass (`beginsBefore`). Where none is known,
 * everything that was delivered may have begun.
 *
 * A piece writes rows of the executor and of its works, and not the loop's own row: the
 * loop is busy, and one of the two would never get through.
 */
import type { Infer } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import type { TransactionBudget } from "../budget.js";
import { firstDue, requeue, type Requeued } from "../entries.js";
import { findUndelivered } from "../executor/delivery.js";
import {
  closePositions,
  newStats,
  readStats,
  type Stats,
  workAt,
  writeStats,
} from "../executor/positions.js";
import { addTally, decideAfterAttempt, NOTHING } from "../executor/results.js";
import { type Logger, recordCompleted, recordIncident } from "../logging.js";
import { endWork } from "../outcome.js";
import type { vTally } from "../schema.js";
import { SECOND } from "../shared.js";
import type { Fate } from "./fate.js";

/** Works that are retried within this time of each other may as well wait for each other. */
const TOGETHER_MS = 15 * SECOND;

export type Piece = {
  /** When the earliest of what went back is due. Null: nothing did. */
  earliestDueAt: number | null;
  /** How many works it no longer has. */
  settled: number;
  unfinished: boolean;
};

type Lost = Extract<Fate, { kind: "lost" }>;

/**
 * Settles as much of what `executor` had as `budget` allows. From the first piece
 * on it is fenced: should it report after all, it is told to leave.
 *
 * @param giveUp - Why the works end that this piece settles, since their
 *   recovery failed again and again. Null: they go on.
 */
export async function recoverPiece(
  ctx: MutationCtx,
  console: Logger,
  executor: Doc<"executor">,
  fate: Lost,
  budget: TransactionBudget,
  giveUp: string | null,
): Promise<Piece> {
  const row = await readStats(ctx, executor._id);
  const stats: Stats = row ? { ...row } : newStats(executor);
  stats.beginsBefore = Math.min(stats.beginsBefore ?? Infinity, stats.cursor);
  const settler = new Settler(ctx, console, fate, giveUp);

  const settled = new Set<number>();
  let unfinished = false;
  for (;;) {
    const next = await nextOpen(ctx, executor, stats, settled);
    if (next === null) break;
    if (!(await budget.hasRoom())) {
      unfinished = true;
      break;
    }
    const { runningId, position } = next;
    const workId = await workAt(ctx, executor, runningId, position);
    if (workId) await settler.settle(workId, position < stats.beginsBefore);
    settled.add(position);
    budget.spend();
  }
  await closePositions(ctx, stats, settled);
  const earliestDueAt = await settler.putBack();
  stats.tally = addTally(stats.tally, settler.tally);

  if (unfinished) {
    await writeStats(ctx, row, stats);
    await ctx.db.patch("executor", executor._id, {
      closing: true,
      incarnation: executor.incarnation + 1,
    });
  } else {
    if (row) await ctx.db.delete("executorStats", row._id);
    await ctx.db.patch("executor", executor._id, {
      closing: true,
      done: stats.tally,
    });
  }
  return { earliestDueAt, settled: settled.size, unfinished };
}

/** What it has and was not settled yet; of what was never delivered, a hand-over at a time. */
async function nextOpen(
  ctx: MutationCtx,
  executor: Doc<"executor">,
  stats: Stats,
  settled: ReadonlySet<number>,
): Promise<{ runningId: Id<"running"> | null; position: number } | null> {
  for (const { runningId, left } of stats.open) {
    for (const position of left) {
      if (!settled.has(position)) return { runningId, position };
    }
  }
  const [handOver] = await findUndelivered(
    ctx,
    executor._id,
    stats.cursor,
    1,
    true,
  );
  if (!handOver) return null;
  const left = handOver.works.map((_, index) => handOver.first + index);
  stats.open = [...stats.open, { runningId: handOver._id, left }];
  stats.cursor = handOver.first + left.length;
  return { runningId: handOver._id, position: handOver.first };
}

/** Decides works of a lost executor, and puts back those that go on. */
class Settler {
  tally: Infer<typeof vTally> = NOTHING;
  private readonly back: Requeued[] = [];
  /** Of these, the ones that may be why it died. */
  private readonly suspects: Requeued[] = [];

  constructor(
    private readonly ctx: MutationCtx,
    private readonly console: Logger,
    private readonly fate: Lost,
    private readonly giveUp: string | null,
  ) {}

  async settle(workId: Id<"work">, mayHaveBegun: boolean): Promise<void> {
    const { ctx, giveUp } = this;
    const work = await ctx.db.get("work", workId);
    if (!work) return;
    if (giveUp !== null) return await this.end(work, giveUp);
    if (work.fnType === "action" && mayHaveBegun) {
      return await this.failAttempt(work);
    }
    if (work.canceled) {
      await endWork(ctx, this.console, work, { kind: "canceled" });
      this.count("canceled");
      return;
    }
    const patch = mayHaveBegun ? { lastError: this.error } : {};
    // In its old place: it has been waiting since then.
    this.back.push({ work, dueAt: firstDue(work), patch });
  }

  private get error(): string {
    return `The worker that ran this attempt was lost: ${this.fate.why}`;
  }

  private async failAttempt(work: Doc<"work">): Promise<void> {
    const { ctx, console, error } = this;
    const attempts = (work.attempts ?? 0) + 1;
    const decision = decideAfterAttempt(
      work,
      { kind: "failed", error, retryable: true },
      Math.random(),
    );
    if (decision.kind === "end") {
      const { result } = decision;
      const ended = { ...work, attempts, lastError: error };
      await endWork(ctx, console, ended, result);
      this.count(result.kind);
      return;
    }
    this.count("retries");
    const item = {
      work,
      dueAt: Date.now() + decision.delayMs,
      patch: { attempts, lastError: error },
    };
    (this.fate.byMemory ? this.suspects : this.back).push(item);
    recordCompleted(console, {
      workId: work._id,
      fnName: work.fnName,
      completedAt: Date.now(),
      onCompleteScheduledFunctionId: undefined,
      attempts,
      status: "retrying",
    });
  }

  private async end(work: Doc<"work">, error: string): Promise<void> {
    const ended = { ...work, lastError: error };
    await endWork(this.ctx, this.console, ended, { kind: "failed", error });
    this.count("failed");
  }

  private count(kind: keyof Infer<typeof vTally>): void {
    this.tally = { ...this.tally, [kind]: this.tally[kind] + 1 };
  }

  /** Returns when the earliest is due; null: nothing went back. */
  async putBack(): Promise<number | null> {
    const quarantined = inHalves(this.suspects);
    if (quarantined.length > 0) {
      const groups = new Set(quarantined.map(({ patch }) => patch.isolate));
      recordIncident(
        this.console,
        "warn",
        "quarantine",
        `${quarantined.length} works of an executor that ran out of memory run apart from others from now on`,
        { works: quarantined.length, groups: groups.size },
      );
    }
    const all = [...this.back, ...quarantined];
    await requeue(this.ctx, all);
    const times = all.map(({ dueAt }) => dueAt ?? Date.now());
    return times.length > 0 ? Math.min(...times) : null;
  }
}

/**
 * One of these may have taken its executor down: they run apart, in two groups, so
 * that a few deaths tell which. One alone runs alone.
 */
function inHalves(suspects: readonly Requeued[]): Requeued[] {
  if (suspects.length === 1) {
    return suspects.map((item) => withPatch(item, { isolate: true }));
  }
  const sorted = [...suspects].sort((a, b) => a.dueAt! - b.dueAt!);
  const middle = Math.ceil(sorted.length / 2);
  return [sorted.slice(0, middle), sorted.slice(middle)].flatMap((half) => {
    if (half.length === 0) return [];
    const isolate = half.length === 1 ? true : crypto.randomUUID();
    const last = half.at(-1)!.dueAt!;
    const together = last - half[0]!.dueAt! <= TOGETHER_MS;
    return half.map((item) => ({
      ...withPatch(item, { isolate }),
      ...(together ? { dueAt: last } : {}),
    }));
  });
}

function withPatch(item: Requeued, patch: Requeued["patch"]): Requeued {
  return { ...item, patch: { ...item.patch, ...patch } };
}
