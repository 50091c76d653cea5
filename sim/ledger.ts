/** What has happened in a history as far as its end is concerned: seen from commits and from handlers. */
import type { CommittedWrites } from "../embedded/src/storage/types.js";
import type { Run, RunListener } from "./runs.js";

export interface Outcome {
  workId: string;
  kind: "success" | "failed" | "canceled";
}

export class Ledger implements RunListener {
  commits = 0;
  /** The works of each key: one, or a transaction was committed twice. */
  readonly enqueued = new Map<string, string[]>();
  /** By work: the outcomes that callbacks were told. */
  readonly outcomes = new Map<string, Outcome[]>();
  /** By key: what mutations wrote. */
  readonly effects = new Map<string, number>();
  /** By key: when handlers of actions were called, and whether by an executor that counts as lost. */
  readonly begun = new Map<string, { at: number; isDead: boolean }[]>();
  /** By key: the first time it was canceled, the state it was in then, and how many attempts had ended. */
  readonly canceled = new Map<
    string,
    { at: number; was: string; attempts: number }
  >();

  constructor(private readonly elapsed: () => number) {}

  afterCommit({ writes }: CommittedWrites): void {
    this.commits += 1;
    for (const { namespace, table, before, after } of writes) {
      if (namespace !== "" || before !== null || after === null) continue;
      const row = after.value as Record<string, any>;
      if (table === "enqueued") add(this.enqueued, row.key, row.workId);
      if (table === "effects") {
        this.effects.set(row.key, (this.effects.get(row.key) ?? 0) + 1);
      }
      if (table === "cancels" && !this.canceled.has(row.key)) {
        const { was, attempts } = row;
        this.canceled.set(row.key, { at: this.elapsed(), was, attempts });
      }
      if (table === "outcomes") {
        const { workId, result } = row;
        add(this.outcomes, workId, { workId, kind: result.kind });
      }
    }
  }

  onBegin({ kind, key, isAction, isDead }: Run): void {
    if (kind !== "handler" || !isAction) return;
    add(this.begun, key, { at: this.elapsed(), isDead });
  }

  onEnd(): void {}
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}
