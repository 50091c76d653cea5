/** What functions use of a deployment, summed and compared. */
import type { FunctionStats, Stats } from "../embedded/src/runtime/types.js";

/** What was used, by whomever. */
export interface Used extends FunctionStats {
  clientCalls: number;
  /** Memory of all actions over the time that they lived. */
  computeMbMs: number;
  byFunction: Stats;
}

export function zero(): FunctionStats {
  return {
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
}

/** `left` + `sign` × `right`. */
export function combined(
  left: FunctionStats,
  right: FunctionStats,
  sign: 1 | -1,
): FunctionStats {
  const result = zero();
  for (const key of Object.keys(result) as (keyof FunctionStats)[]) {
    result[key] = left[key] + sign * right[key];
  }
  return result;
}

export function difference(after: Used, before: Used): Used {
  return {
    ...combined(after, before, -1),
    clientCalls: after.clientCalls - before.clientCalls,
    computeMbMs: after.computeMbMs - before.computeMbMs,
    byFunction: Object.fromEntries(
      Object.entries(after.byFunction).map(([name, stats]) => [
        name,
        combined(stats, before.byFunction[name] ?? zero(), -1),
      ]),
    ),
  };
}

/** Without what functions of the app used that have nothing to do with a pool, nor their `clientCalls`. */
export function without(
  used: Used,
  names: string[],
  clientCalls: number,
): Used {
  const keys = names.map((name) => `|${name}`);
  const theirs = keys.reduce(
    (sum, key) => combined(sum, used.byFunction[key] ?? zero(), 1),
    zero(),
  );
  return {
    ...used,
    ...combined(used, theirs, -1),
    clientCalls: used.clientCalls - clientCalls,
    byFunction: Object.fromEntries(
      Object.entries(used.byFunction).filter(([key]) => !keys.includes(key)),
    ),
  };
}
