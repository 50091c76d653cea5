/**
 * The attempts of a delivery, as its row keeps them. `begin` adds one; its end is
 * written by whoever learns of it first: by the attempt itself when it failed, by
 * `settle` when it went well or was the last one, and else by the next attempt, which
 * asks the pool what became of one that never said so: it timed out, or was lost.
 */
import type { Infer } from "convex/values";
import type { Doc } from "./_generated/dataModel.js";
import type { vAttempt } from "./schema.js";

export type Attempt = Infer<typeof vAttempt>;
export type End = Omit<Attempt, "startedAt">;

/** Where neither the attempt nor the pool can say it. */
export const LOST: End = {
  error: "interrupted: what came of it is not known",
};

export function isOpen({ durationMs, error }: Attempt): boolean {
  return durationMs === undefined && error === undefined;
}

/** The last one, if it is open. */
export function openOne(attempts: readonly Attempt[]): Attempt | undefined {
  const last = attempts.at(-1);
  return last && isOpen(last) ? last : undefined;
}

/** Those since it was redelivered last: the pool counts its attempts anew then. */
export function ofThisRound({
  attempts,
  redeliveries,
}: Pick<Doc<"deliveries">, "attempts" | "redeliveries">): Attempt[] {
  return attempts.slice(redeliveries?.at(-1)?.attemptsBefore);
}

/** With the end of this one, counted from 1, unless it is known already. */
export function ended(
  attempts: readonly Attempt[],
  number: number,
  end: End,
): Attempt[] {
  return attempts.map((attempt, index) =>
    index === number - 1 && isOpen(attempt) ? { ...attempt, ...end } : attempt,
  );
}

export function endedLast(attempts: readonly Attempt[], end: End): Attempt[] {
  return ended(attempts, attempts.length, end);
}
