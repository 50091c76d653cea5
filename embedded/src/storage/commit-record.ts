/** What a transaction amounts to when it commits. */
import type { CommitRecord, StoredChange } from "./commit-log.js";
import type { JournalEntry } from "./journal.js";
import type { Namespaces } from "./namespaces.js";
import type { StoreTransaction } from "./transaction.js";
import type { CommittedWrite, JSONObject, Ts } from "./types.js";

/** What the commit changes, now that its timestamp is known. */
export function commitRecord(
  transaction: StoreTransaction,
  seq: number,
  ts: Ts,
): CommitRecord {
  const writes: CommittedWrite[] = [];
  const changes: StoredChange[] = [];
  for (const [namespace, { catalog }] of transaction.catalogChanges) {
    changes.push({
      namespace,
      table: "_schemas",
      index: catalog.schemaIndex,
      before: "",
      after: "",
      state: null,
      document: null,
    });
  }
  for (const overlay of transaction.writes.tables()) {
    const { namespace, table: name } = overlay;
    const table = transaction.catalog(namespace).ensure(name);
    for (const [id, write] of overlay.writes) {
      const { before } = write;
      const after = write.after?.resolve(ts) ?? null;
      if (before === null && after === null) continue;
      writes.push({ namespace, table: name, id, before, after });
      for (const state of table.indexes.values()) {
        changes.push({
          namespace,
          table: name,
          index: state.path,
          before: before === null ? null : state.keyOf(before),
          after: after === null ? null : state.keyOf(after),
          state,
          document: after,
        });
      }
    }
  }
  return { seq, ts, writes, changes };
}

/** The commit as it is written down. */
export function journalEntry(
  transaction: StoreTransaction,
  record: CommitRecord,
  namespaces: Namespaces,
): JournalEntry {
  const touched = new Set(transaction.catalogChanges.keys());
  for (const { namespace } of record.writes) touched.add(namespace);
  const changes = [...transaction.catalogChanges];
  return {
    ts: record.ts,
    tables: namespaces.unsaved(touched),
    dropped: changes
      .filter(([, { dropped }]) => dropped)
      .map(([namespace]) => namespace),
    schemas: changes.map(([namespace, { catalog }]) => [
      namespace,
      catalog.schema,
    ]),
    writes: record.writes.map(({ namespace, table, id, after }) => [
      namespace,
      table,
      id,
      (after?.value ?? null) as JSONObject | null,
    ]),
  };
}
