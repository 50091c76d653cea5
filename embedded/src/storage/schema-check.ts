/** Whether documents fit the validators of their tables. */
import { validationError } from "../values/index.js";
import type { Catalog, TableState } from "./catalog.js";
import type { Document } from "./document.js";

/** Why the document does not fit `table`, or null. */
export function schemaError(
  table: TableState,
  document: Document,
  catalog: Catalog,
): string | null {
  if (table.documentType === null) return null;
  // Validators of documents do not list the system's fields.
  const { _id, _creationTime, ...fields } = document.value;
  return validationError(
    table.documentType,
    fields,
    (number) => catalog.byNumber.get(number)?.name ?? null,
  );
}
