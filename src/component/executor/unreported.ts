/** How attempts ended, until a report brings it. Plain data. */
import type { Attempt } from "../loop/attempt.js";
import { MAX_REPORT_BYTES } from "./memory.js";
import type { AttemptResult } from "./protocol.js";

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

  /** Takes out as many as go into one report, `most` at most. */
  takeBatch(most: number): AttemptResult[] {
    return takeBatch(this.entries, most);
  }
}

/** As many results as go into one report. */
export function takeBatch(unreported: Entry[], most: number): AttemptResult[] {
  let bytes = 0;
  let count = 0;
  for (const each of unreported) {
    bytes += each.bytes;
    if (count > 0 && (bytes > MAX_REPORT_BYTES || count >= most)) break;
    count += 1;
  }
  return unreported.splice(0, count).map(({ result }) => result);
}
