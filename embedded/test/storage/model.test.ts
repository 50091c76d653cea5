/**
 * Random interleaved transactions against the simplest store there could be: a map of
 * rows, copied for every snapshot, filtered and sorted for every query.
 *
 * Two things are checked. Each transaction sees its snapshot with its own writes. And a
 * transaction that commits can be repeated on the rows as they are at its commit with the
 * same results, so that it might as well have run alone at that moment.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Database,
  type Transaction,
  WriteConflictError,
} from "../../src/storage/index.js";
import {
  APP,
  gt,
  gte,
  inTransaction,
  lt,
  lte,
  openFixture,
  query,
  schemaOf,
} from "./fixture.js";

interface Row {
  id: string;
  key: number;
  creationTime: number;
}
type Rows = Map<string, Row>;

interface ScanStep {
  op: "scan";
  low: number;
  high: number;
  openLow: boolean;
  openHigh: boolean;
  order: "asc" | "desc";
  take: number;
}
type Step =
  | { op: "insert"; key: number }
  | { op: "move"; pick: number; key: number }
  | { op: "remove"; pick: number }
  | ScanStep
  | { op: "begin sub" | "commit sub" | "roll back sub" | "commit" };

const key = fc.nat(5);
const pick = fc.nat(30);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ op: fc.constant("insert" as const), key }),
  fc.record({ op: fc.constant("move" as const), pick, key }),
  fc.record({ op: fc.constant("remove" as const), pick }),
  fc.record({
    op: fc.constant("scan" as const),
    low: key,
    high: key,
    openLow: fc.boolean(),
    openHigh: fc.boolean(),
    order: fc.constantFrom("asc" as const, "desc" as const),
    take: fc.constantFrom(1, 2, Infinity),
  }),
  fc.record({
    op: fc.constantFrom(
      "begin sub" as const,
      "commit sub" as const,
      "roll back sub" as const,
      "commit" as const,
      "commit" as const,
    ),
  }),
);

/** What a step did, in a form that can be repeated elsewhere. */
type Event =
  | { kind: "write"; id: string; before: Row | undefined; after: Row | null }
  | { kind: "read"; scan: ScanStep; found: string[] }
  | { kind: "begin sub" | "commit sub" | "roll back sub" };

/** Rows with a stack of copies to roll back to. */
class Model {
  private readonly saved: Rows[] = [];
  constructor(public rows: Rows) {}

  write(id: string, after: Row | null): void {
    if (after === null) this.rows.delete(id);
    else this.rows.set(id, after);
  }

  scan({ low, high, openLow, openHigh, order, take }: ScanStep): string[] {
    const found = [...this.rows.values()]
      .filter(({ key }) => (openLow ? key > low : key >= low))
      .filter(({ key }) => (openHigh ? key < high : key <= high))
      .sort(
        (a, b) =>
          a.key - b.key ||
          a.creationTime - b.creationTime ||
          (a.id < b.id ? -1 : 1),
      );
    if (order === "desc") found.reverse();
    return found.slice(0, take).map(({ id }) => id);
  }

  get depth(): number {
    return this.saved.length;
  }

  sub(kind: "begin sub" | "commit sub" | "roll back sub"): void {
    if (kind === "begin sub") this.saved.push(new Map(this.rows));
    else {
      const before = this.saved.pop()!;
      if (kind === "roll back sub") this.rows = before;
    }
  }
}

class Modeled {
  readonly tx: Transaction;
  readonly events: Event[] = [];
  private readonly model: Model;

  constructor(
    db: Database,
    rows: Rows,
    readonly version: number,
  ) {
    this.tx = db.begin();
    this.model = new Model(new Map(rows));
  }

  apply(step: Step): void {
    const { tx, model } = this;
    switch (step.op) {
      case "insert": {
        const id = tx.insert(APP, "rows", { key: step.key });
        const { creationTime } = tx.get(APP, id)!;
        this.wrote(id, { id, key: step.key, creationTime });
        return;
      }
      case "move":
      case "remove": {
        const rows = [...model.rows.values()];
        const row = rows[step.pick % Math.max(1, rows.length)];
        if (row === undefined) return;
        if (step.op === "remove") {
          tx.remove(APP, row.id);
          this.wrote(row.id, null);
        } else {
          tx.patch(APP, row.id, { key: step.key });
          this.wrote(row.id, { ...row, key: step.key });
        }
        return;
      }
      case "scan": {
        const range = [
          step.openLow ? gt("key", step.low) : gte("key", step.low),
          step.openHigh ? lt("key", step.high) : lte("key", step.high),
        ];
        const { order, take } = step;
        const request = { table: "rows", index: "by_key", range, order, take };
        const found = query(tx, request).map(({ id }) => id);
        expect(found).toEqual(model.scan(step));
        this.events.push({ kind: "read", scan: step, found });
        return;
      }
      case "commit":
        while (model.depth > 0) this.apply({ op: "commit sub" });
        return;
      default:
        if (step.op !== "begin sub" && model.depth === 0) return;
        if (step.op === "begin sub") tx.beginSub();
        else if (step.op === "commit sub") tx.commitSub();
        else tx.rollbackSub();
        model.sub(step.op);
        this.events.push({ kind: step.op });
    }
  }

  private wrote(id: string, after: Row | null): void {
    const before = this.model.rows.get(id);
    this.events.push({ kind: "write", id, before, after });
    this.model.write(id, after);
  }
}

/** Repeats what a transaction did; everything it saw must be the same. */
function repeat(events: Event[], rows: Rows): Rows {
  const model = new Model(new Map(rows));
  for (const event of events) {
    if (event.kind === "read") {
      expect(model.scan(event.scan)).toEqual(event.found);
    } else if (event.kind === "write") {
      expect(model.rows.get(event.id)).toEqual(event.before);
      model.write(event.id, event.after);
    } else model.sub(event.kind);
  }
  return model.rows;
}

const BY_KEY = schemaOf("rows", [{ name: "by_key", fields: ["key"] }]);

test("random transactions behave as if they ran one after the other", () => {
  let commits = 0;
  let conflicts = 0;
  const slots = fc.nat(2);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(slots, step), { minLength: 30, maxLength: 80 }),
      (steps) => {
        const { db } = openFixture();
        inTransaction(db, (tx) => db.applySchema(tx, APP, BY_KEY));
        let rows: Rows = new Map();
        let version = 0;
        const open = new Map<number, Modeled>();
        for (const [slot, step] of steps) {
          const modeled = open.get(slot) ?? new Modeled(db, rows, version);
          open.set(slot, modeled);
          modeled.apply(step);
          if (step.op !== "commit") continue;
          open.delete(slot);
          const { hasWrites } = modeled.tx;
          try {
            db.commit(modeled.tx);
          } catch (error) {
            expect(error).toBeInstanceOf(WriteConflictError);
            // Nobody conflicts with itself.
            expect(modeled.version).toBeLessThan(version);
            conflicts++;
            continue;
          }
          if (!hasWrites) continue;
          rows = repeat(modeled.events, rows);
          version++;
          commits++;
        }
        const all = query(db.begin(), { table: "rows", index: "by_key" });
        expect(new Set(all.map(({ id }) => id))).toEqual(new Set(rows.keys()));
      },
    ),
    { numRuns: 500 },
  );
  // Both happened often enough for the property to mean something.
  expect(commits).toBeGreaterThan(100);
  expect(conflicts).toBeGreaterThan(100);
});
