/** What is known of deliveries that are under way, from the pool and from their rows. */
import { v, type Infer } from "convex/values";
import type { Status, WorkId } from "convex-workpool";
import { isOpen, type Attempt, type End } from "./attempts.js";
import type { QueryCtx } from "./_generated/server.js";
import { pool } from "./pool.js";

export const vPhaseUnderWay = v.union(
  /** Waits for its turn. */
  v.literal("queued"),
  /** A worker has it and begins it as soon as one of its slots is free. */
  v.literal("claimed"),
  v.literal("running"),
  /** Waits for its next attempt. */
  v.literal("retrying"),
  /** Its attempt is over, and what came of it is on the way to the row. */
  v.literal("finishing"),
);
export type PhaseUnderWay = Infer<typeof vPhaseUnderWay>;

export interface Open {
  workId: WorkId;
  /** Of this round. */
  attempts: readonly Attempt[];
}

/**
 * How an attempt ended whose function never said so, because it timed out or its worker
 * was lost: as the pool remembers it. Null: it does not. A call, so asked only of
 * attempts that are open although the pool has ended them.
 */
export async function endInPool(
  ctx: QueryCtx,
  workId: WorkId,
  attempt: Attempt,
): Promise<End | null> {
  const work = await pool.get(ctx, workId);
  const past = work?.history?.at(-1);
  // What the pool remembers last may be an attempt before this one.
  if (!past || past.endedAt < attempt.startedAt) return null;
  const { startedAt, endedAt, reason, error } = past;
  return {
    error:
      reason === "timedOut"
        ? "timed out: it hung, and the pool ended it"
        : error,
    ...(startedAt === undefined ? {} : { durationMs: endedAt - startedAt }),
  };
}

/**
 * One call for all of them, and a second look only at those whose attempt has
 * begun and has no end: of some of them the pool has not heard yet that it is
 * over. `pool.get` never calls more running than there are slots.
 */
export async function phasesOf(
  ctx: QueryCtx,
  open: readonly Open[],
): Promise<PhaseUnderWay[]> {
  const statuses = await pool.statusBatch(
    ctx,
    open.map(({ workId }) => workId),
  );
  return Promise.all(
    open.map(async ({ workId, attempts }, i) => {
      const phase = phaseOf(statuses[i]!, attempts);
      if (phase !== "running") return phase;
      const work = await pool.get(ctx, workId);
      return work?.state === "running" ? "running" : "claimed";
    }),
  );
}

/** `running` means that it may be: its attempt has begun, and no end of it is known. */
export function phaseOf(
  status: Status,
  attempts: readonly Attempt[],
): PhaseUnderWay {
  if (status.state === "finished") return "finishing";
  const { state, previousAttempts } = status;
  if (state === "pending") {
    return previousAttempts === 0 ? "queued" : "retrying";
  }
  const last = attempts.at(-1);
  if (last && isOpen(last)) return "running";
  // The pool counts attempts that are over, the row those that have begun.
  return attempts.length > previousAttempts ? "finishing" : "claimed";
}
