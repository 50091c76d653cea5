/** What a push would do to tables and indexes, so that the CLI can warn about large ones. */
import type { Transaction } from "../storage/types.js";
import type { DeployedCode } from "./code.js";
import type { AnalyzedSchema, AnalyzedTable } from "./evaluated.js";
import type { EvaluatedPush } from "./evaluatePush.js";
import { diffIndexes, indexConfigs } from "./indexDiff.js";
import { schemasByPath } from "./response.js";

export function predictSchemaChanges(
  transaction: Transaction,
  deployed: DeployedCode,
  push: EvaluatedPush,
): unknown {
  const old = schemasByPath(deployed);
  const evaluations: Record<string, unknown> = {};
  for (const [path, { definitionPath, schema }] of schemasByPath(push)) {
    evaluations[path] = {
      definitionPath,
      schemaValidation: schema?.schemaValidation ?? false,
      tables: (schema?.tables ?? []).map((table) =>
        predictTable(transaction, path, table, schema, old.get(path)?.schema),
      ),
      indexes: predictIndexes(transaction, path, old.get(path)?.schema, schema),
      discardedStagedValidators: [],
    };
  }
  return {
    componentSchemaEvaluations: evaluations,
    newComponentDefinitions: Object.keys(push.definitions).filter(
      (path) => path !== "" && deployed.definitions[path] === undefined,
    ),
  };
}

function predictTable(
  transaction: Transaction,
  namespace: string,
  table: AnalyzedTable,
  schema: AnalyzedSchema | null,
  before: AnalyzedSchema | null | undefined,
): unknown {
  const previous = before?.tables.find(
    ({ tableName }) => tableName === table.tableName,
  );
  const unchanged =
    before?.schemaValidation === true &&
    JSON.stringify(previous?.documentType) ===
      JSON.stringify(table.documentType);
  const outcome =
    schema?.schemaValidation !== true
      ? "notValidated"
      : unchanged
        ? "supersetOfEnforced"
        : "mustWalk";
  return {
    name: table.tableName,
    outcome,
    numDocs: transaction.count(namespace, table.tableName),
    sizeBytes:
      outcome === "mustWalk"
        ? totalSize(transaction, namespace, table.tableName)
        : 0,
  };
}

function totalSize(
  transaction: Transaction,
  namespace: string,
  table: string,
): number {
  const scan = transaction.scan(namespace, {
    table,
    index: "by_creation_time",
    range: [],
    order: "asc",
  });
  let size = 0;
  for (let next = scan.next(); next !== null; next = scan.next()) {
    size += next.size;
  }
  return size;
}

function predictIndexes(
  transaction: Transaction,
  namespace: string,
  before: AnalyzedSchema | null | undefined,
  after: AnalyzedSchema | null,
): unknown[] {
  const diff = diffIndexes(before, after);
  const named = (list: { name: string; fields: string[] }[]) =>
    new Set(list.map(({ name, fields }) => `${name} ${fields.join()}`));
  const added = named(diff.added_indexes);
  const enabled = named(diff.enabled_indexes);
  const disabled = named(diff.disabled_indexes);
  const predict = (
    index: { name: string; fields: string[] },
    change: string,
  ) => ({
    ...index,
    change,
    // Filled within the push itself.
    needsBackfill: false,
    numDocs: transaction.count(namespace, index.name.split(".")[0] ?? ""),
  });
  return [
    ...indexConfigs(after).map((index) => {
      const key = `${index.name} ${index.fields.join()}`;
      const change = added.has(key)
        ? "added"
        : enabled.has(key)
          ? "enabled"
          : disabled.has(key)
            ? "disabled"
            : "identical";
      return predict(index, change);
    }),
    ...diff.removed_indexes.map((index) => predict(index, "dropped")),
  ];
}
