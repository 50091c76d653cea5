/** The catalogs of all namespaces, as they are and as they recently were. */
import { Catalog, TableNumbers } from "./catalog.js";
import {
  DEPLOYMENT,
  type Namespace,
  type SchemaDefinition,
  type TableDefinition,
} from "./types.js";

interface NamespaceState {
  numbers: TableNumbers;
  /** Oldest first; each in force from its commit on. Never empty. */
  history: { seq: number; catalog: Catalog }[];
}

export class Namespaces {
  private readonly states = new Map<Namespace, NamespaceState>();
  /** Tables whose numbers are already written down. */
  private readonly saved = new Set<string>();

  constructor(
    private readonly systemTables: TableDefinition[],
    private readonly deploymentTables: TableDefinition[],
  ) {}

  current(namespace: Namespace): Catalog {
    return this.state(namespace).history.at(-1)!.catalog;
  }

  at(namespace: Namespace, seq: number): Catalog {
    const { history } = this.state(namespace);
    for (let i = history.length - 1; i > 0; i--) {
      if (history[i]!.seq <= seq) return history[i]!.catalog;
    }
    return history[0]!.catalog;
  }

  /** What the namespace would look like with this schema; nothing changes yet. */
  prepare(
    namespace: Namespace,
    schema: SchemaDefinition | null,
    previous: Catalog | undefined,
  ): Catalog {
    return new Catalog(
      namespace,
      this.state(namespace).numbers,
      schema,
      this.systemTablesOf(namespace),
      previous,
    );
  }

  /** The namespace without documents and schema. Its tables keep their numbers. */
  prepareEmpty(namespace: Namespace): Catalog {
    const catalog = this.prepare(namespace, null, undefined);
    for (const table of catalog.numbers.byName.keys()) catalog.ensure(table);
    return catalog;
  }

  /** Puts a prepared catalog in force from commit `seq` on. */
  install(catalog: Catalog, seq: number, oldestReadable: number): void {
    const { history } = this.state(catalog.namespace);
    catalog.takeOver();
    history.push({ seq, catalog });
    while (history.length > 1 && history[1]!.seq <= oldestReadable) {
      history.shift();
    }
  }

  /** Replaces the only catalog of a namespace, before anything has read it. */
  restoreSchema(namespace: Namespace, schema: SchemaDefinition | null): void {
    const catalog = this.prepare(namespace, schema, undefined);
    this.state(namespace).history = [{ seq: 0, catalog }];
  }

  restoreNumber(namespace: Namespace, table: string, number: number): void {
    let state = this.states.get(namespace);
    if (state === undefined) {
      state = { numbers: new TableNumbers(), history: [] };
      this.states.set(namespace, state);
    }
    state.numbers.restore(table, number);
    this.saved.add(`${namespace}/${table}`);
  }

  /** Table numbers that are not written down yet. */
  unsaved(namespaces: Iterable<Namespace>): [Namespace, string, number][] {
    const unsaved: [Namespace, string, number][] = [];
    for (const namespace of namespaces) {
      for (const [table, number] of this.state(namespace).numbers.byName) {
        if (this.saved.has(`${namespace}/${table}`)) continue;
        unsaved.push([namespace, table, number]);
      }
    }
    return unsaved;
  }

  markSaved(tables: readonly [Namespace, string, number][]): void {
    for (const [namespace, table] of tables) {
      this.saved.add(`${namespace}/${table}`);
    }
  }

  private state(namespace: Namespace): NamespaceState {
    let state = this.states.get(namespace);
    if (state === undefined) {
      state = { numbers: new TableNumbers(), history: [] };
      this.states.set(namespace, state);
    }
    if (state.history.length === 0) {
      const catalog = new Catalog(
        namespace,
        state.numbers,
        null,
        this.systemTablesOf(namespace),
      );
      state.history.push({ seq: 0, catalog });
    }
    return state;
  }

  private systemTablesOf(namespace: Namespace): TableDefinition[] {
    return namespace === DEPLOYMENT ? this.deploymentTables : this.systemTables;
  }
}
