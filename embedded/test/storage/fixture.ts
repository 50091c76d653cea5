/** A store in memory under a virtual clock, with a small app's tables. */
import { v } from "convex/values";
import { SeededRandomness, VirtualClock } from "../../src/clock.js";
import {
  type Database,
  type IndexDefinition,
  type JSONObject,
  type JSONValue,
  openDatabase,
  type OpenOptions,
  type RangeExpression,
  type SchemaDefinition,
  type StoredDocument,
  type Transaction,
} from "../../src/storage/index.js";

export const APP = "";

export interface Fixture {
  db: Database;
  clock: VirtualClock;
}

export function openFixture(options: Partial<OpenOptions> = {}): Fixture {
  const clock = new VirtualClock();
  const db = openDatabase({
    clock,
    randomness: new SeededRandomness(7),
    systemTables: [
      {
        name: "_scheduled_functions",
        indexes: [
          {
            name: "by_state_and_time",
            fields: ["state.kind", "scheduledTime"],
          },
        ],
        documentType: null,
      },
    ],
    ...options,
  });
  return { db, clock };
}

type AnyValidator = { kind: string };

export function validatorJson(validator: AnyValidator): JSONValue {
  return (validator as unknown as { json: JSONValue }).json;
}

/** A schema of one table. */
export function schemaOf(
  name: string,
  indexes: IndexDefinition[],
  validator: AnyValidator | null = null,
): SchemaDefinition {
  const documentType = validator === null ? null : validatorJson(validator);
  return { tables: [{ name, indexes, documentType }], validate: true };
}

export const USERS = schemaOf(
  "users",
  [
    { name: "by_age", fields: ["age"] },
    { name: "by_name_age", fields: ["name", "age"] },
  ],
  v.object({
    name: v.string(),
    age: v.float64(),
    seen: v.optional(v.commitTs()),
  }),
);

export function openWithUsers(options: Partial<OpenOptions> = {}): Fixture {
  const fixture = openFixture(options);
  inTransaction(fixture.db, (tx) => fixture.db.applySchema(tx, APP, USERS));
  return fixture;
}

export function inTransaction<T>(db: Database, run: (tx: Transaction) => T): T {
  const tx = db.begin();
  const result = run(tx);
  db.commit(tx);
  return result;
}

export function insert(db: Database, table: string, value: JSONObject): string {
  return inTransaction(db, (tx) => tx.insert(APP, table, value));
}

export interface Query {
  table?: string;
  index?: string;
  range?: RangeExpression[];
  order?: "asc" | "desc";
  take?: number;
}

export function query(tx: Transaction, query: Query): StoredDocument[] {
  const scan = tx.scan(APP, {
    table: query.table ?? "users",
    index: query.index ?? "by_creation_time",
    range: query.range ?? [],
    order: query.order ?? "asc",
  });
  const found: StoredDocument[] = [];
  while (found.length < (query.take ?? Infinity)) {
    const document = scan.next();
    if (document === null) break;
    found.push(document);
  }
  return found;
}

export function namesOf(documents: StoredDocument[]): unknown[] {
  return documents.map(({ value }) => value.name);
}

export function eq(fieldPath: string, value: JSONValue): RangeExpression {
  return { type: "Eq", fieldPath, value };
}
export function gt(fieldPath: string, value: JSONValue): RangeExpression {
  return { type: "Gt", fieldPath, value };
}
export function gte(fieldPath: string, value: JSONValue): RangeExpression {
  return { type: "Gte", fieldPath, value };
}
export function lt(fieldPath: string, value: JSONValue): RangeExpression {
  return { type: "Lt", fieldPath, value };
}
export function lte(fieldPath: string, value: JSONValue): RangeExpression {
  return { type: "Lte", fieldPath, value };
}
