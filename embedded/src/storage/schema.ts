/** Putting a schema into force: new indexes are filled, documents checked. */
import { BY_ID, type Catalog, type TableState } from "./catalog.js";
import type { Document } from "./document.js";
import type { Namespaces } from "./namespaces.js";
import { schemaError } from "./schema-check.js";
import type { StoreTransaction } from "./transaction.js";
import { DeveloperError } from "./types.js";
import type { Namespace, SchemaDefinition } from "./types.js";

export function applySchema(
  namespaces: Namespaces,
  transaction: StoreTransaction,
  namespace: Namespace,
  schema: SchemaDefinition | null,
): void {
  const current = transaction.catalog(namespace);
  if (sameSchema(current.schema, schema)) return;
  const next = namespaces.prepare(namespace, schema, current);
  for (const table of next.tables.values()) {
    const previous = current.tables.get(table.name);
    const added = [...table.indexes.values()].filter(
      (index) => previous?.indexes.get(index.name) !== index,
    );
    if (added.length === 0 && table.documentType === null) continue;
    // What is copied or checked here must still be all there is at commit.
    transaction.reads.addEverything(`${namespace}/${table.name}/${BY_ID}`);
    if (previous === undefined) continue;
    for (const document of previous.byId.versions.documents()) {
      for (const index of added) {
        index.versions.put(index.keyOf(document), transaction.seq, document);
      }
    }
    for (const document of visibleDocuments(transaction, previous)) {
      checkDocument(table, document, next);
    }
  }
  transaction.changeCatalog(namespace, { catalog: next, dropped: false });
}

export function dropNamespace(
  namespaces: Namespaces,
  transaction: StoreTransaction,
  namespace: Namespace,
): void {
  const current = transaction.catalog(namespace);
  for (const table of current.tables.keys()) {
    transaction.reads.addEverything(`${namespace}/${table}/${BY_ID}`);
  }
  const catalog = namespaces.prepareEmpty(namespace);
  transaction.changeCatalog(namespace, { catalog, dropped: true });
}

function* visibleDocuments(
  transaction: StoreTransaction,
  table: TableState,
): Iterable<Document> {
  const own = transaction.writes.ofTable(table)?.writes;
  for (const document of table.byId.versions.documents()) {
    if (own?.has(document.id) !== true) yield document;
  }
  for (const { after } of own?.values() ?? []) {
    if (after !== null) yield after;
  }
}

function checkDocument(
  table: TableState,
  document: Document,
  catalog: Catalog,
): void {
  const error = schemaError(table, document, catalog);
  if (error !== null) {
    throw new DeveloperError(
      `Document with ID "${document.id}" in table "${table.name}" does not match the schema: ${error}`,
    );
  }
}

function sameSchema(
  a: SchemaDefinition | null,
  b: SchemaDefinition | null,
): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
