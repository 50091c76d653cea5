/** How attempts ended, until a report brings it. Plain data. */
import type { Attempt } from "../loop/attempt.js";
import { MAX_REPORT_BYTES } from "./memory.js";
import type { AttemptResult } from "./protocol.js";
import type { Batch } from "./reporter.js";

type Entry = {
  result: AttemptResult;
  since: number;
  /** What the result takes in memory and, with its work's rows, in a report. */
  bytes: number;
  /** Somebody waits for it: see `attempt.ts`. */
  awaited: boolean;
};

export class Unreported {
  private readonly entries: Entry[] = [];

  get count(): number {
    return this.entries.length;
  }

  get bytes(): number {
    return this.entries.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get positions(): number[] {
    return this.entries.map(({ result }) => result.position);
  }

  /** For how many milliseconds the oldest has been waiting. */
  oldestMs(now: number): number {
    return now - (this.entries[0]?.since ?? now);
  }

  /** Whether somebody waits for any of them. */
  get awaited(): boolean {
    return this.entries.some(({ awaited }) => awaited);
  }

  add(
    result: AttemptResult,
    bytes: number,
    now: number,
    awaited = false,
  ): void {
    this.entries.push({ result, since: now, bytes, awaited });
  }

  /** An attempt that was not begun, and goes back. `tooOld`: see `protocol.ts`. */
  addReturned(attempt: Attempt, now: number, tooOld = false): void {
    const { position, workId, fence } = attempt;
    const outcome = {
      kind: "returned" as const,
      ...(tooOld ? { tooOld } : {}),
    };
    this.add({ position, workId, fence, startedAt: now, outcome }, 0, now);
  }

  /** Takes out as many as go into one report, no more than `most`, in their order. */
  takeBatch(most: Batch): { results: AttemptResult[]; awaited: number } {
    const batch = takeBatch(this.entries, most);
    return {
      results: batch.map(({ result }) => result),
      awaited: batch.filter(({ awaited }) => awaited).length,
    };
  }
}

/** As many as go into one report. */
export function takeBatch(unreported: Entry[], most: Batch): Entry[] {
  let bytes = 0;
  let awaited = 0;
  let count = 0;
  for (const each of unreported) {
    bytes += each.bytes;
    awaited += each.awaited ? 1 : 0;
    const isMore =
      bytes > MAX_REPORT_BYTES ||
      count >= most.results ||
      awaited > most.awaited;
    if (count > 0 && isMore) break;
    count += 1;
  }
  return unreported.splice(0, count);
}
