/** The component's tables as of the last commit, kept up to date by the commits themselves. */
import type { CommittedWrites } from "../embedded/src/storage/types.js";
import { COMPONENT } from "./jobs.js";

/** A row as Convex JSON. */
export interface StoredRow {
  _id: string;
  _creationTime: number;
  [field: string]: any;
}

export class Mirror {
  private readonly tables = new Map<string, Map<string, StoredRow>>();

  constructor(private readonly components: readonly string[] = [COMPONENT]) {}

  /** Whether the commit concerned the component. */
  apply({ writes }: CommittedWrites): boolean {
    let concerned = false;
    for (const { namespace, table, id, after } of writes) {
      if (!this.components.includes(namespace)) continue;
      concerned = true;
      if (after === null) this.table(table).delete(id);
      else this.table(table).set(id, after.value as unknown as StoredRow);
    }
    return concerned;
  }

  /** Nothing depends on scheduled functions that did what they should: there are many. */
  forgetFinishedJobs({ writes }: CommittedWrites): void {
    const jobs = this.table("_scheduled_functions");
    for (const { table, id, after } of writes) {
      if (table !== "_scheduled_functions") continue;
      const state = after?.value.state as { kind: string } | undefined;
      if (state?.kind === "success") jobs.delete(id);
    }
  }

  table(name: string): Map<string, StoredRow> {
    let table = this.tables.get(name);
    if (table === undefined) this.tables.set(name, (table = new Map()));
    return table;
  }

  get(table: string, id: string): StoredRow | undefined {
    return this.table(table).get(id);
  }

  rows(table: string): IterableIterator<StoredRow> {
    return this.table(table).values();
  }

  /** The work, unless it has ended: the row of one that failed stays as long as its outcome. */
  work(id: string): StoredRow | undefined {
    const work = this.get("work", id);
    return work?.endedAt === undefined ? work : undefined;
  }

  works(): StoredRow[] {
    return [...this.rows("work")].filter(
      ({ endedAt }) => endedAt === undefined,
    );
  }

  /** The only row of a table, if there is one. */
  single(table: string): StoredRow | undefined {
    return this.rows(table).next().value;
  }

  count(table: string): number {
    return this.table(table).size;
  }

  /** How many handlers may be in flight. */
  get limit(): number {
    const config = this.single("config");
    return (
      config?.override.maxParallelism ?? config?.declared.maxParallelism ?? 10
    );
  }
}
