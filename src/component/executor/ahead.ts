/**
 * How far to work ahead. Pure.
 *
 * A freed slot is refilled without a round trip only if the next work is already
 * there: in the executor's buffer (which covers the round trip of a report and the
 * wait for company), and behind that, handed over by the loop (which covers a
 * segment of the loop). Both are worth it for short works only: a long one in a
 * buffer might start elsewhere meanwhile, and a round trip is nothing to it.
 */
import { SECOND, SEGMENT_MS } from "../shared.js";

/** Works that take longer are never buffered. */
export const LONG_MS = 1 * SECOND;
/** A report's round trip, with a margin. */
const ROUND_TRIP_MS = 30;
/** Results wait this long for company while other works run. */
export const COMPANY_MS = 50;
/** The loop looks once per segment; with a margin for a late tick. */
const LOOP_MS = 2.5 * SEGMENT_MS + COMPANY_MS;
/** Memory and the size of a reply are bounded, however short the works. */
const MAX_BUFFER = 400;
const MAX_WORKS_PER_SLOT = 64;

/** Milliseconds a slot is taken per work, averaged; null while too few have ended to tell. */
export type MeanMs = number | null;

/** So many works say something about the next: one that waits behind a wrong guess waits for long. */
export const MIN_SAMPLES = 4;

/** How long works take. Recent ones count more: what runs may change. */
export class Durations {
  private count = 0;
  private average = 0;

  add(ms: number): void {
    this.count += 1;
    this.average += (ms - this.average) / Math.min(this.count, 16);
  }

  /** The best there is: of few, or of none the time for which they have been running. */
  guess(runningForMs: number): number {
    return this.count === 0 ? runningForMs : this.average;
  }

  /** As if none had ended yet. */
  forget(): void {
    this.count = 0;
    this.average = 0;
  }

  get mean(): MeanMs {
    return this.count < MIN_SAMPLES ? null : this.average;
  }
}

function during(mean: MeanMs, ms: number): number {
  return mean === null || mean >= LONG_MS ? 0 : ms / Math.max(mean, 1);
}

/** How many works to keep in the buffer beside those running. */
export function bufferSize(width: number, mean: MeanMs): number {
  return Math.min(
    MAX_BUFFER,
    Math.ceil(width * during(mean, ROUND_TRIP_MS + COMPANY_MS)),
  );
}

/** With fewer than this in the buffer, a report cannot wait for company: slots would run dry. */
export function lowWater(width: number, mean: MeanMs): number {
  return Math.min(MAX_BUFFER, Math.ceil(width * during(mean, ROUND_TRIP_MS)));
}

/** Fewer in doubt would cost a narrow executor a report for every few short works. */
const FEW = 8;

/**
 * How many works may begin, beside those that fill free slots, until the executor's next
 * report: no more than that may be in doubt, should it die.
 *
 * @param takesMs - How long works take, as far as anybody can tell.
 */
export function beginsAhead(width: number, takesMs: number): number {
  const ms = Math.max(takesMs, 1);
  const begins = (forMs: number) => Math.ceil((width * forMs) / ms);
  return Math.max(
    1,
    Math.min(
      begins(ROUND_TRIP_MS + COMPANY_MS),
      Math.max(FEW, width, begins(ROUND_TRIP_MS)),
    ),
  );
}

/** How many works per slot the loop should keep handed over. */
export function worksPerSlot(mean: MeanMs): number {
  return Math.min(
    MAX_WORKS_PER_SLOT,
    1 + during(mean, ROUND_TRIP_MS + COMPANY_MS + LOOP_MS),
  );
}
