/** A data directory that no process serves: what is in it, and what it would do by itself. */
import type { Value } from "convex/values";
import { jsonToConvex } from "convex/values";
import { onTestFinished } from "vitest";
import { VirtualClock } from "../../embedded/src/clock.js";
import { startDeployment } from "../../embedded/src/index.js";
import type { Scan } from "../../embedded/src/storage/types.js";

export type Row = Record<string, any>;

export interface Store {
  rows(table: string, component?: string): Row[];
  /** Lets a minute pass: whoever is still to look for the last time has looked. */
  settle(): Promise<void>;
  /** Lets a day pass; returns the functions that were called meanwhile. */
  passADay(): Promise<string[]>;
  close(): Promise<void>;
}

const MINUTE_MS = 60_000;
/** Rows of one transaction, which may read so many and not all. */
const PAGE = 5_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Its time stands still, so nothing of it runs. */
export async function openStore(dataDir: string): Promise<Store> {
  const clock = new VirtualClock(Date.now());
  const deployment = await startDeployment({ dataDir, clock });
  onTestFinished(() => deployment.close());
  return {
    rows(table, component = "") {
      const rows: Row[] = [];
      let after: string | null = null;
      for (let read = PAGE; read === PAGE;) {
        const scan: Scan = deployment.database.begin().scan(component, {
          table,
          index: "by_creation_time",
          range: [],
          order: "asc",
          after,
        });
        for (read = 0; read < PAGE; read++) {
          const row = scan.next();
          if (row === null) break;
          rows.push(jsonToConvex(row.value) as Record<string, Value>);
          after = scan.position;
        }
      }
      return rows;
    },
    settle: () => clock.advance(MINUTE_MS),
    async passADay() {
      deployment.resetStats();
      await clock.advance(DAY_MS);
      return Object.entries(deployment.stats())
        .filter(([, { calls }]) => calls > 0)
        .map(([name]) => name);
    },
    close: () => deployment.close(),
  };
}
