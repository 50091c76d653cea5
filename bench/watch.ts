/** A client's subscription to a query: it runs again whenever something it read has changed. */
import type { Database } from "../embedded/src/storage/index.js";
import type { JSONObject, JSONValue } from "../embedded/src/storage/types.js";
import type { QueryCache } from "../embedded/src/sync/queryCache.js";

export interface Watch {
  /** How often it ran after the first time. */
  reruns(): number;
  latest(): JSONValue;
}

export function watch(
  database: Database,
  queries: QueryCache,
  name: string,
  args: JSONObject,
): Watch {
  let runs = 0;
  let latest: JSONValue = null;
  const spec = { component: "", name, args, journal: null, admin: false };
  const follow = async () => {
    for (;;) {
      let changed!: () => void;
      const change = new Promise<void>((resolve) => (changed = resolve));
      const { result, release } = await queries.watch(
        spec,
        database.latestTs,
        changed,
      );
      runs++;
      const { outcome } = result.outcome;
      if (!outcome.ok) throw new Error(`${name} failed: ${outcome.message}`);
      latest = outcome.value;
      if (result.invalidAt === null) await change;
      release();
    }
  };
  const failure = { error: null as unknown };
  follow().catch((error: unknown) => (failure.error = error));
  return {
    reruns: () => Math.max(0, runs - 1),
    latest: () => {
      if (failure.error !== null) throw failure.error;
      return latest;
    },
  };
}
