/**
 * What tables and indexes a namespace has. A catalog is replaced as a whole when the
 * schema changes, so that a transaction goes on with the one it began with (and fails
 * at commit, because it has read the schema). New tables are added in place.
 */
import { orderKey, valueAt } from "../values/index.js";
import type { Document } from "./document.js";
import { VersionedIndex } from "./versioned-index.js";
import {
  type IndexDefinition,
  isSystemTable,
  type JSONValue,
  type Namespace,
  type SchemaDefinition,
  type TableDefinition,
} from "./types.js";

/** Numbers below are for system tables, as on Convex. */
const FIRST_USER_TABLE_NUMBER = 10_001;
const FIRST_SYSTEM_TABLE_NUMBER = 1;

export const BY_ID = "by_id";
export const BY_CREATION_TIME = "by_creation_time";

export class IndexState {
  readonly paths: string[][];

  constructor(
    /** `${namespace}/${table}/${index}` */
    readonly path: string,
    readonly name: string,
    /** With the implicit `_creationTime`, but without the final `_id`. */
    readonly fields: string[],
    readonly versions: VersionedIndex,
  ) {
    this.paths = fields.map((field) => field.split("."));
  }

  keyOf(document: Document): string {
    let key = "";
    for (const path of this.paths)
      key += orderKey(valueAt(document.value, path));
    return key + orderKey(document.id);
  }
}

export class TableState {
  readonly indexes = new Map<string, IndexState>();
  readonly byId: IndexState;
  readonly isSystem: boolean;

  constructor(
    readonly namespace: Namespace,
    readonly name: string,
    readonly number: number,
    /** Null: any document fits. */
    readonly documentType: JSONValue | null,
    definitions: IndexDefinition[],
    /** Takes over every index that stays as it is. */
    previous?: TableState,
  ) {
    this.isSystem = isSystemTable(name);
    const wanted = [
      { name: BY_ID, fields: [] },
      { name: BY_CREATION_TIME, fields: ["_creationTime"] },
      ...definitions.map((index) => ({
        name: index.name,
        fields: [...index.fields, "_creationTime"],
      })),
    ];
    for (const { name: index, fields } of wanted) {
      const kept = previous?.indexes.get(index);
      this.indexes.set(
        index,
        kept !== undefined && sameFields(kept.fields, fields)
          ? kept
          : new IndexState(
              `${namespace}/${name}/${index}`,
              index,
              fields,
              new VersionedIndex(),
            ),
      );
    }
    this.byId = this.indexes.get(BY_ID)!;
  }
}

/** Table numbers of a namespace. They outlive schemas and are never given out twice. */
export class TableNumbers {
  readonly byName = new Map<string, number>();
  private nextUser = FIRST_USER_TABLE_NUMBER;
  private nextSystem = FIRST_SYSTEM_TABLE_NUMBER;

  of(table: string): number {
    const known = this.byName.get(table);
    if (known !== undefined) return known;
    const number = isSystemTable(table) ? this.nextSystem : this.nextUser;
    this.restore(table, number);
    return number;
  }

  restore(table: string, number: number): void {
    this.byName.set(table, number);
    if (isSystemTable(table)) {
      this.nextSystem = Math.max(this.nextSystem, number + 1);
    } else {
      this.nextUser = Math.max(this.nextUser, number + 1);
    }
  }
}

export class Catalog {
  readonly tables = new Map<string, TableState>();
  readonly byNumber = new Map<number, TableState>();
  readonly schemaIndex: string;
  /** The catalog in force, while this one is being prepared to follow it. */
  private base: Catalog | null;

  constructor(
    readonly namespace: Namespace,
    readonly numbers: TableNumbers,
    readonly schema: SchemaDefinition | null,
    systemTables: TableDefinition[],
    previous?: Catalog,
  ) {
    this.schemaIndex = `${namespace}//schema`;
    this.base = previous ?? null;
    const definitions = [...systemTables, ...(schema?.tables ?? [])];
    const named = new Map(definitions.map((table) => [table.name, table]));
    for (const table of new Set([
      ...named.keys(),
      ...(previous?.tables.keys() ?? []),
    ])) {
      this.add(table, named.get(table), previous?.tables.get(table));
    }
  }

  /**
   * The table, created when it is not there yet: in the catalog in force too, since
   * others may be creating it at the same time.
   */
  ensure(table: string): TableState {
    return (
      this.tables.get(table) ??
      (this.base === null
        ? this.add(table, undefined, undefined)
        : this.put(this.base.ensure(table)))
    );
  }

  /** This catalog takes over from its base, with the tables that appeared meanwhile. */
  takeOver(): void {
    for (const table of this.base?.tables.values() ?? []) {
      if (!this.tables.has(table.name)) this.put(table);
    }
    this.base = null;
  }

  private add(
    name: string,
    definition: TableDefinition | undefined,
    previous: TableState | undefined,
  ): TableState {
    const checked = isSystemTable(name) || this.schema?.validate !== false;
    return this.put(
      new TableState(
        this.namespace,
        name,
        this.numbers.of(name),
        checked ? (definition?.documentType ?? null) : null,
        definition?.indexes ?? [],
        previous,
      ),
    );
  }

  private put(table: TableState): TableState {
    this.tables.set(table.name, table);
    this.byNumber.set(table.number, table);
    return table;
  }
}

function sameFields(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((field, i) => field === b[i]);
}
