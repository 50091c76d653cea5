/// <reference types="vite/client" />
/** The component as the root of a test, so that a test can see its tables. */
import { convexTest } from "convex-test";
import type { Item } from "../component/work/enqueue.js";
import schema from "../component/schema.js";

const modules = import.meta.glob("../component/**/*.ts");

export function componentTest() {
  return convexTest({ schema, modules });
}
export type ComponentTest = ReturnType<typeof componentTest>;

/** A work that nothing runs: good for tests that do not let time pass. */
export function item(changes: Partial<Item> = {}): Item {
  return {
    fnHandle: "function://test",
    fnName: "jobs:test",
    fnType: "action",
    fnArgs: {},
    runAt: Date.now(),
    ...changes,
  };
}

type Table = keyof typeof schema.tables;

/** How many rows each table has that has any. */
export async function rowCounts(
  t: ComponentTest,
): Promise<Partial<Record<Table, number>>> {
  return await t.run(async (ctx) => {
    const counts: Partial<Record<Table, number>> = {};
    for (const table of Object.keys(schema.tables) as Table[]) {
      const rows = await ctx.db.query(table).collect();
      if (rows.length > 0) {
        counts[table] = rows.length;
      }
    }
    return counts;
  });
}

/** Hands works over as the loop does: their entries are gone from the queue. */
export async function handOver(t: ComponentTest): Promise<void> {
  await t.run(async (ctx) => {
    for (const entry of await ctx.db.query("pendingStart").collect()) {
      await ctx.db.delete("pendingStart", entry._id);
    }
  });
}

/** A text that takes `bytes` bytes as a Convex value. */
export function textOf(bytes: number): string {
  return "x".repeat(bytes - 2);
}
