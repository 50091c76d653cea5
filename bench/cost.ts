/**
 * What Convex charges for: calls, the time that actions live times the memory
 * they are given, and what passes between functions and the database. The
 * prices are those beyond what a plan includes, as of November 2026.
 */
import { significant } from "./percentiles.js";
import type { Used } from "./used.js";

const DOLLARS_PER_MILLION_CALLS = 2;
const DOLLARS_PER_GB_HOUR = 0.3;
const DOLLARS_PER_GB = 0.2;

/** The price list says GiB. */
const GB = 2 ** 30;
const MB_PER_GB = 1024;
const MS_PER_HOUR = 3_600_000;

export interface Cost {
  /** Of all actions: those that a pool works with and those that do the jobs. */
  computeGbHoursPerThousand: number;
  /** Of documents, in bytes as they are: they are not rounded up, and indexes are left out. */
  databaseIoGbPerThousand: number;
  /** Without the clients' calls, which cost the same whatever the pool does. */
  dollarsPerMillion: number;
}

export function costOf(
  used: Pick<
    Used,
    "calls" | "clientCalls" | "bytesRead" | "bytesWritten" | "computeMbMs"
  >,
  jobs: number,
): Cost {
  const each = 1 / Math.max(1, jobs);
  const calls = (used.calls - used.clientCalls) * each;
  const gbHours = (used.computeMbMs / MB_PER_GB / MS_PER_HOUR) * each;
  const gb = ((used.bytesRead + used.bytesWritten) / GB) * each;
  return {
    computeGbHoursPerThousand: significant(gbHours * 1e3),
    databaseIoGbPerThousand: significant(gb * 1e3),
    dollarsPerMillion: significant(
      calls * DOLLARS_PER_MILLION_CALLS +
        gbHours * 1e6 * DOLLARS_PER_GB_HOUR +
        gb * 1e6 * DOLLARS_PER_GB,
    ),
  };
}
