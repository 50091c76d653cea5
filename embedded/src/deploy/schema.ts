/** Evaluates a pushed schema.ts and checks what Convex checks before it looks at data. */
import { badRequest } from "../http/errors.js";
import { unknownValidator, type Lacks } from "../runtime/abilities.js";
import type { ModuleSource } from "../runtime/types.js";
import type { JSONValue, SchemaDefinition } from "../storage/types.js";
import type {
  AnalyzedIndex,
  AnalyzedSchema,
  AnalyzedTable,
} from "./evaluated.js";
import {
  callExport,
  describeThrown,
  type ModuleEvaluator,
} from "./evaluator.js";

const SEE_DOCS =
  "To learn more, see the schema documentation at https://docs.convex.dev/database/schemas.";
const IDENTIFIER = /^[a-zA-Z][a-zA-Z0-9_]*$/;
const FIELD_PATH = /^[a-zA-Z][a-zA-Z0-9_]*(\.[a-zA-Z][a-zA-Z0-9_]*)*$/;
const MAX_INDEX_NAME = 64;
const MAX_INDEX_FIELDS = 16;
const MAX_INDEXES_PER_TABLE = 64;
const MAX_TABLES = 10_000;

interface ExportedTable {
  tableName: string;
  indexes: AnalyzedIndex[];
  stagedDbIndexes?: AnalyzedIndex[] | null;
  searchIndexes?: { indexDescriptor: string }[] | null;
  stagedSearchIndexes?: { indexDescriptor: string }[] | null;
  vectorIndexes?: { indexDescriptor: string }[] | null;
  stagedVectorIndexes?: { indexDescriptor: string }[] | null;
  documentType: JSONValue;
}

export async function evaluateSchema(
  evaluator: ModuleEvaluator,
  module: ModuleSource,
  lacks: Lacks,
): Promise<AnalyzedSchema> {
  let exports: Record<string, unknown>;
  try {
    exports = await evaluator.evaluate([module], module.path, {});
  } catch (error) {
    throw badRequest(
      "InvalidSchema",
      `Hit an error while evaluating your schema:\n${describeThrown(error)}`,
    );
  }
  const schema = exports.default;
  if (schema === undefined) {
    throw badRequest(
      "MissingSchemaExportError",
      `Schema file missing default export. ${SEE_DOCS}`,
    );
  }
  const exported =
    typeof schema === "object" && schema !== null
      ? callExport(schema, "export", "InvalidSchema")
      : undefined;
  if (typeof exported !== "string") {
    throw badRequest(
      "InvalidSchemaExport",
      `Default export from schema file isn't a Convex schema. ${SEE_DOCS}`,
    );
  }
  const parsed = JSON.parse(exported) as {
    tables: ExportedTable[];
    schemaValidation?: boolean;
  };
  for (const { documentType } of parsed.tables) {
    const unknown = unknownValidator(lacks, documentType);
    if (unknown !== null) throw badRequest("InvalidSchema", unknown);
  }
  return checkSchema(parsed);
}

function checkSchema(exported: {
  tables: ExportedTable[];
  schemaValidation?: boolean;
}): AnalyzedSchema {
  if (exported.tables.length > MAX_TABLES) {
    throw badRequest(
      "TooManyTables",
      `Number of tables cannot exceed ${MAX_TABLES}.`,
    );
  }
  return {
    tables: exported.tables.map(checkTable),
    schemaValidation: exported.schemaValidation ?? true,
  };
}

function checkTable(table: ExportedTable): AnalyzedTable {
  const name = table.tableName;
  if (name.startsWith("_")) {
    throw badRequest("TableNameReserved", `${name} is a reserved table name.`);
  }
  if (!IDENTIFIER.test(name)) {
    throw badRequest(
      "InvalidTableName",
      `Invalid table name: "${name}". Identifiers must start with a letter and can only contain letters, digits, and underscores.`,
    );
  }
  refuseUnsupportedIndexes(table);
  const staged = table.stagedDbIndexes ?? [];
  checkIndexes(name, [...table.indexes, ...staged]);
  checkDocumentType(table.documentType);
  return {
    tableName: name,
    indexes: table.indexes,
    stagedDbIndexes: staged,
    documentType: table.documentType,
  };
}

function refuseUnsupportedIndexes(table: ExportedTable): void {
  const kinds = [
    [
      "search",
      [...(table.searchIndexes ?? []), ...(table.stagedSearchIndexes ?? [])],
    ],
    [
      "vector",
      [...(table.vectorIndexes ?? []), ...(table.stagedVectorIndexes ?? [])],
    ],
  ] as const;
  for (const [kind, indexes] of kinds) {
    const first = indexes[0];
    if (first === undefined) continue;
    throw badRequest(
      kind === "search"
        ? "SearchIndexesNotSupported"
        : "VectorIndexesNotSupported",
      `In table "${table.tableName}" the ${kind} index "${first.indexDescriptor}" cannot be built: the embedded deployment has no ${kind} indexes. Use Convex Cloud or a self-hosted backend for ${kind}.`,
    );
  }
}

function checkIndexes(table: string, indexes: AnalyzedIndex[]): void {
  if (indexes.length > MAX_INDEXES_PER_TABLE) {
    throw badRequest(
      "TooManyIndexes",
      `Table "${table}" cannot have more than ${MAX_INDEXES_PER_TABLE} indexes.`,
    );
  }
  const names = new Set<string>();
  const byFields = new Map<string, string>();
  for (const { indexDescriptor: name, fields } of indexes) {
    if (
      name.startsWith("_") ||
      name === "by_id" ||
      name === "by_creation_time"
    ) {
      throw badRequest(
        "IndexNameReserved",
        `In table "${table}" cannot name an index "${name}" because the name is reserved. Indexes may not start with an underscore or be named "by_id" or "by_creation_time".`,
      );
    }
    if (!IDENTIFIER.test(name) || name.length > MAX_INDEX_NAME) {
      throw badRequest(
        "InvalidIndexName",
        `In table "${table}": Invalid index name: "${name}". Identifiers must be ${MAX_INDEX_NAME} characters or less, start with a letter, and only contain letters, digits, underscores.`,
      );
    }
    if (names.has(name)) {
      throw badRequest(
        "IndexNamesNotUnique",
        `Table "${table}" has two or more definitions of index "${name}".`,
      );
    }
    names.add(name);
    checkIndexFields(table, name, fields);
    const key = JSON.stringify(fields);
    const same = byFields.get(key);
    if (same !== undefined) {
      throw badRequest(
        "IndexNotUnique",
        `In table "${table}" index "${same}" and index "${name}" have the same fields. Indexes must be unique within a table.`,
      );
    }
    byFields.set(key, name);
  }
}

function checkIndexFields(
  table: string,
  index: string,
  fields: string[],
): void {
  if (fields.length === 0) {
    throw badRequest(
      "EmptyIndex",
      `In table "${table}" index "${index}" must have at least one field.`,
    );
  }
  if (fields.length > MAX_INDEX_FIELDS) {
    throw badRequest(
      "IndexTooManyFields",
      `In table "${table}": Indexes may have up to ${MAX_INDEX_FIELDS} fields.`,
    );
  }
  for (const [position, field] of fields.entries()) {
    if (field === "_id") {
      throw badRequest(
        "IndexFieldsContainId",
        "`_id` is not a valid index field. To load documents by ID, use `db.get(id)`.",
      );
    }
    if (field === "_creationTime") {
      throw badRequest(
        "IndexFieldsContainCreationTime",
        "`_creationTime` is automatically added to the end of each index. It should not be added explicitly in the index definition. See https://docs.convex.dev/using/indexes for more details.",
      );
    }
    if (field.startsWith("_")) {
      throw badRequest(
        "IndexFieldNameReserved",
        "Reserved fields (starting with `_`) are not allowed in indexes.",
      );
    }
    if (!FIELD_PATH.test(field)) {
      throw badRequest(
        "InvalidIndexField",
        `In index "${index}": Invalid index field: "${field}"`,
      );
    }
    if (fields.indexOf(field) !== position) {
      throw badRequest(
        "FieldsNotUniqueWithinIndex",
        `Duplicate field ${field}. Index fields must be unique within an index.`,
      );
    }
  }
}

function checkDocumentType(type: JSONValue): void {
  const kind = (type as { type?: string } | null)?.type;
  const options =
    kind === "union"
      ? ((type as { value: { type?: string }[] }).value ?? [])
      : [{ type: kind }];
  const fits =
    kind === "any" || options.every((option) => option.type === "object");
  if (!fits) {
    throw badRequest(
      "InvalidTopLevelTypeInSchemaError",
      `The document validator in a schema must be an object, a union of objects, or \`v.any()\`. Found ${JSON.stringify(type)}. ${SEE_DOCS}`,
    );
  }
}

/** What the store needs to know of a schema. */
export function toSchemaDefinition(
  schema: AnalyzedSchema | null,
): SchemaDefinition | null {
  if (schema === null) return null;
  return {
    validate: schema.schemaValidation,
    tables: schema.tables.map((table) => ({
      name: table.tableName,
      documentType: table.documentType,
      indexes: table.indexes.map((index) => ({
        name: index.indexDescriptor,
        fields: index.fields,
      })),
    })),
  };
}
