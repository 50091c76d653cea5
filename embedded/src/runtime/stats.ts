/** Counts what every function costs: the figures of `--stats`, benchmarks and simulations. */
import type { Usage } from "../storage/types.js";
import type { FunctionAddress, FunctionStats, Stats } from "./types.js";

const ZERO: FunctionStats = {
  calls: 0,
  subTransactions: 0,
  errors: 0,
  documentsRead: 0,
  bytesRead: 0,
  documentsWritten: 0,
  bytesWritten: 0,
  tombstonesScanned: 0,
  scheduled: 0,
  conflicts: 0,
  retries: 0,
};

export class StatsCollector {
  private readonly byFunction = new Map<string, FunctionStats>();

  of(address: FunctionAddress): FunctionStats {
    const key = `${address.component}|${address.name}`;
    let stats = this.byFunction.get(key);
    if (stats === undefined) {
      stats = { ...ZERO };
      this.byFunction.set(key, stats);
    }
    return stats;
  }

  /** A snapshot; what happens later does not change it. */
  snapshot(): Stats {
    return Object.fromEntries(
      [...this.byFunction].map(([key, stats]) => [key, { ...stats }]),
    );
  }

  reset(): void {
    this.byFunction.clear();
  }
}

/** Adds what a transaction used: every attempt counts, also one that lost its race. */
export function addUsage(
  stats: FunctionStats,
  used: Usage,
  tombstonesScanned: number,
): void {
  stats.documentsRead += used.documentsRead;
  stats.bytesRead += used.bytesRead;
  stats.documentsWritten += used.documentsWritten;
  stats.bytesWritten += used.bytesWritten;
  stats.scheduled += used.functionsScheduled;
  stats.tombstonesScanned += tombstonesScanned;
}
