/** How attempts ended, counted. */
import type { Doc } from "./_generated/dataModel.js";

export type Tally = Doc<"executorStats">["tally"];

export const NOTHING: Tally = {
  succeeded: 0,
  failed: 0,
  retries: 0,
  canceled: 0,
};

export function addTally(a: Tally, b: Tally, sign: 1 | -1 = 1): Tally {
  return {
    succeeded: a.succeeded + sign * b.succeeded,
    failed: a.failed + sign * b.failed,
    retries: a.retries + sign * b.retries,
    canceled: a.canceled + sign * b.canceled,
  };
}
