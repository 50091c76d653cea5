/** What is remembered of attempts that did not succeed. Pure. */
import type { Doc } from "../_generated/dataModel.js";
import { MAX_HISTORY, MAX_HISTORY_ERROR, type PastAttempt } from "../shared.js";

/** The history with one attempt more. What is too old for it goes, and an error is cut to what tells it from others. */
export function withAttempt(
  { history = [], round }: Pick<Doc<"work">, "history" | "round">,
  { error, ...attempt }: PastAttempt,
): PastAttempt[] {
  const past: PastAttempt = {
    ...attempt,
    error: shortened(error),
    ...(round === undefined ? {} : { round }),
  };
  return [...history, past].slice(-MAX_HISTORY);
}

/** Never between the halves of a surrogate pair: Convex stores valid Unicode only. */
function shortened(error: string): string {
  if (error.length <= MAX_HISTORY_ERROR) return error;
  const isHigh = /[\ud800-\udbff]/.test(error[MAX_HISTORY_ERROR - 1]!);
  return `${error.slice(0, MAX_HISTORY_ERROR - (isHigh ? 1 : 0))}…`;
}
