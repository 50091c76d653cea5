/**
 * What an executor keeps in memory: the arguments of what it holds, and results that
 * are not reported yet. The platform gives an action 64 MB, and values take several
 * times their size there. Pure.
 *
 * | bound             | on                                              | when it is met                     |
 * | ----------------- | ----------------------------------------------- | ---------------------------------- |
 * | MAX_HELD_BYTES    | arguments of what runs and of what is buffered  | nothing more is fetched            |
 * | MAX_RESULT_BYTES  | results not reported, and those to be expected  | nothing more begins                |
 */

import { MAX_ENTRY_BYTES } from "../queue/entries.js";

export const MAX_HELD_BYTES = 8_000_000;
export const MAX_RESULT_BYTES = 12_000_000;

/** Results a report brings, with what their works' rows take in its transaction. */
export const MAX_REPORT_BYTES = 3_000_000;

/** Whether a hand-over may be too large for what is left of {@link MAX_HELD_BYTES}. */
export function isFull(roomBytes: number): boolean {
  return roomBytes < MAX_ENTRY_BYTES;
}

/** How large results are. Recent ones count more. */
export class ResultSizes {
  private count = 0;
  private average = 0;

  add(bytes: number): void {
    this.count += 1;
    this.average += (bytes - this.average) / Math.min(this.count, 16);
  }

  get mean(): number {
    return this.average;
  }
}

/** Whether one more work may begin beside `running` others. One alone always may. */
export function mayBeginMore(
  running: number,
  unreportedBytes: number,
  meanResultBytes: number,
): boolean {
  if (running === 0 && unreportedBytes === 0) return true;
  return unreportedBytes + (running + 1) * meanResultBytes <= MAX_RESULT_BYTES;
}

/** How many works can run side by side, as far as results of this size allow. */
export function widthForResults(
  width: number,
  meanResultBytes: number,
): number {
  if (meanResultBytes <= 0) return width;
  return Math.min(
    width,
    Math.max(1, Math.floor(MAX_RESULT_BYTES / meanResultBytes)),
  );
}
