/**
 * What one transaction may use, when it works through many works in a row. The
 * platform ends a transaction that reads or writes more than 16 MiB, and a
 * deletion reads what it deletes. Which rows are large is not known before they
 * are read, so what was used is measured after each work; nothing is begun
 * beyond a bound that leaves room for the largest work there can be.
 */
import type { MutationCtx } from "./_generated/server.js";
import { MAX_VALUE_BYTES } from "./shared.js";

/** The most that the end of one work reads, or writes: its arguments, its context and its result. */
export const MAX_WORK_BYTES = 3 * MAX_VALUE_BYTES;

/** With the largest work on top, reads and writes together stay below what the platform allows for either. */
export const DEFAULT_BUDGET_BYTES = 6_000_000;

/**
 * Half of what the platform allows: one work reads, writes and schedules a few
 * of each, and its neighbours in the transaction want some too.
 */
const ENOUGH = {
  documentsRead: 16_000,
  documentsWritten: 8_000,
  databaseQueries: 2_000,
  functionsScheduled: 500,
};

export type Bounds = {
  /** How many works. */
  works: number;
  /** Read and written in all, by whoever shares the transaction. */
  bytes: number;
};

/** What a transaction has used. */
export type Used = {
  bytesRead: number;
  bytesWritten: number;
} & Record<keyof typeof ENOUGH, number>;

/** Pure: may a further work be begun, of which `nextBytes` are known to come? */
export function fits(used: Used, bytes: number, nextBytes: number): boolean {
  return (
    used.bytesRead + used.bytesWritten + nextBytes <= bytes &&
    used.documentsRead < ENOUGH.documentsRead &&
    used.documentsWritten < ENOUGH.documentsWritten &&
    used.databaseQueries < ENOUGH.databaseQueries &&
    used.functionsScheduled < ENOUGH.functionsScheduled
  );
}

/** Rows that are looked at and left alone, in one transaction. */
const MAX_PASSED = 250;

export class TransactionBudget {
  readonly #ctx: Pick<MutationCtx, "meta">;
  readonly #bounds: Bounds;
  #works = 0;
  #passed = 0;
  #passedBytes = 0;
  /** What the works spent so far use at most: counts where the platform does not measure. */
  #assumedBytes = 0;

  /**
   * @param bounds.works - Works per transaction.
   * @param bounds.bytes - Beyond this nothing is begun. Default: {@link DEFAULT_BUDGET_BYTES}.
   */
  constructor(
    ctx: Pick<MutationCtx, "meta">,
    { works, bytes = DEFAULT_BUDGET_BYTES }: { works: number; bytes?: number },
  ) {
    this.#ctx = ctx;
    this.#bounds = { works, bytes };
  }

  /**
   * Whether others have used up the transaction before anything was begun. It is
   * the caller's, who may have had much to do before; then a transaction of
   * one's own is the better place.
   */
  async isUsedUp(): Promise<boolean> {
    const used = await measure(this.#ctx);
    return used !== null && !fits(used, this.#bounds.bytes, 0);
  }

  /**
   * Whether one more work may be begun. The first one always may: a page that
   * does nothing would be followed by a page that does nothing.
   *
   * @param nextBytes - What it is known to use. Default: nothing is known, and
   *   the bound leaves room for the largest.
   */
  async hasRoom(nextBytes = 0): Promise<boolean> {
    if (this.#passed >= MAX_PASSED) return false;
    if (this.#passedBytes >= this.#bounds.bytes) return false;
    if (this.#works === 0) return true;
    if (this.#works >= this.#bounds.works) return false;
    const used = await measure(this.#ctx);
    return used === null
      ? this.#assumedBytes + nextBytes <= this.#bounds.bytes
      : fits(used, this.#bounds.bytes, nextBytes);
  }

  /**
   * Notes that works were begun.
   *
   * @param bytes - What they use, if the caller knows. Default: the most there can be.
   */
  spend(works = 1, bytes = works * MAX_WORK_BYTES): void {
    this.#works += works;
    this.#assumedBytes += bytes;
  }

  /** Notes that a row was read and left alone: a page of such rows ends, too. */
  pass(bytes: number): void {
    this.#passed += 1;
    this.#passedBytes += bytes;
    this.#assumedBytes += bytes;
  }
}

/** Null: this platform does not say. */
async function measure(ctx: Pick<MutationCtx, "meta">): Promise<Used | null> {
  try {
    const metrics = await ctx.meta.getTransactionMetrics();
    return {
      bytesRead: metrics.bytesRead.used,
      bytesWritten: metrics.bytesWritten.used,
      documentsRead: metrics.documentsRead.used,
      documentsWritten: metrics.documentsWritten.used,
      databaseQueries: metrics.databaseQueries.used,
      functionsScheduled: metrics.functionsScheduled.used,
    };
  } catch {
    // An older platform or client library: there is no such operation, or not even a `meta`.
    return null;
  }
}
