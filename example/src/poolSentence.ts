export interface PoolNow {
  /** How many may run at once when the pool is not paused. */
  limit: number;
  paused: boolean;
  running: number;
  claimed: number;
  /** Accepted, and without an outcome. */
  pending: number;
}

/** For example "5 of 5 running, 20 handed over, 312 waiting". */
export function poolSentence(pool: PoolNow): string {
  const { running, claimed, pending } = pool;
  // The counts may be a moment ahead of the pool, or behind it.
  const waiting = Math.max(0, pending - running - claimed);
  const rest = `${amount(claimed)} handed over, ${amount(waiting)} waiting`;
  return `${runningPart(pool)}, ${rest}`;
}

function runningPart({ limit, paused, running }: PoolNow): string {
  if (paused) return `${amount(running)} still running`;
  return running > limit
    ? `${amount(running)} still running above the new limit of ${amount(limit)}`
    : `${amount(running)} of ${amount(limit)} running`;
}

function amount(count: number): string {
  return count.toLocaleString("en");
}
