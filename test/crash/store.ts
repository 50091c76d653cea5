/** A data directory that no process serves: what is in it, and what it would do by itself. */
import type { Value } from "convex/values";
import { jsonToConvex } from "convex/values";
import { onTestFinished } from "vitest";
import { VirtualClock } from "../../embedded/src/clock.js";
import { startDeployment } from "../../embedded/src/index.js";

export type Row = Record<string, any>;

export interface Store {
  rows(table: string, component?: string): Row[];
  /** Lets a day pass; returns the functions that were called meanwhile. */
  passADay(): Promise<string[]>;
  close(): Promise<void>;
}

const DAY_MS = 24 * 60 * 60_000;

/** Its time stands still, so nothing of it runs. */
export async function openStore(dataDir: string): Promise<Store> {
  const clock = new VirtualClock(Date.now());
  const deployment = await startDeployment({ dataDir, clock });
  onTestFinished(() => deployment.close());
  return {
    rows(table, component = "") {
      const scan = deployment.database.begin().scan(component, {
        table,
        index: "by_creation_time",
        range: [],
        order: "asc",
      });
      const rows: Row[] = [];
      for (let row = scan.next(); row !== null; row = scan.next()) {
        rows.push(jsonToConvex(row.value) as Record<string, Value>);
      }
      return rows;
    },
    async passADay() {
      await clock.advance(DAY_MS);
      return Object.entries(deployment.stats())
        .filter(([, { calls }]) => calls > 0)
        .map(([name]) => name);
    },
    close: () => deployment.close(),
  };
}
