/**
 * The attempts of a delivery, as its row keeps them. `begin` adds one; its end is
 * written by whoever learns of it first: by the attempt itself when it failed, by
 * `settle` when it went well, and by the next attempt when its function was lost.
 */
import type { Infer } from "convex/values";
import type { vAttempt } from "./schema.js";

export type Attempt = Infer<typeof vAttempt>;
export type End = Omit<Attempt, "startedAt">;

const LOST: End = { error: "interrupted: what came of it is not known" };

export function isOpen({ durationMs, error }: Attempt): boolean {
  return durationMs === undefined && error === undefined;
}

/** With one more, which is open. */
export function begun(attempts: readonly Attempt[], now: number): Attempt[] {
  return [...endedLast(attempts, LOST), { startedAt: now }];
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
